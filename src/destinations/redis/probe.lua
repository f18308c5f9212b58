-- Does once whatever the other script does, on a key that is gone afterwards. The first refusal is the answer.
local key = KEYS[1]
local tries = {
  { 'SET', key, '1', 'NX', 'EX', 60 }, { 'GET', key },
  { 'DEL', key },
  { 'ZADD', key, 1, 'v' }, { 'EXPIRE', key, 60 }, { 'ZSCORE', key, 'v' }, { 'ZCARD', key }, { 'ZRANGE', key, 0, 0 },
  { 'ZRANGEBYSCORE', key, '-inf', 0 }, { 'ZINCRBY', key, 1, 'v' }, { 'ZREM', key, 'v' },
  { 'DEL', key },
  { 'ZADD', key, 1, 'v' }, { 'ZREMRANGEBYSCORE', key, '-inf', 1 },
  { 'HSET', key, 'f', 1 }, { 'HEXISTS', key, 'f' }, { 'PEXPIRE', key, 60000 }, { 'PEXPIREAT', key, 99999999999999 }, { 'HMGET', key, 'f' }, { 'EXPIRE', key, 60 }, { 'HGET', key, 'f' }, { 'HINCRBY', key, 'f', 1 }, { 'HLEN', key }, { 'HDEL', key, 'f' },
  { 'DEL', key },
  { 'PFADD', key, 'v' }, { 'EXPIRE', key, 60 },
  { 'DEL', key },
  { 'XADD', key, 'MAXLEN', '~', 10, '*', 'f', 'v' }, { 'EXPIRE', key, 60 },
  { 'DEL', key },
}
for _, try in ipairs(tries) do
  local answer = redis.pcall(unpack(try))
  if type(answer) == 'table' and answer.err then
    redis.pcall('DEL', key)
    return answer
  end
end
return 0
