-- Moves all numbers of one site in one step. KEYS[1..4] are seen, page, pages and stream; ARGV[1] is JSON and names the other
-- keys by what follows the site. Whatever is done twice changes nothing: times and pages only go forward, unique visitors are
-- sets, and an event that has its mark is not counted again.
-- Sessions, sketches and what is bought are not: they take what is counted now, and nothing else. The files before this one are
-- about them.
-- The first write is one that a full memory refuses, so that nothing is done by half.
local load = cjson.decode(ARGV[1])
local keep = load.keep
local seen, page, pages, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local site = string.sub(seen, 1, -5)

local function leave(visitor)
  local old = redis.call('HGET', page, visitor)
  if not old then return end
  if tonumber(redis.call('ZINCRBY', pages, -1, old)) <= 0 then redis.call('ZREM', pages, old) end
  redis.call('HDEL', page, visitor)
end

local function forget(visitors)
  for _, visitor in ipairs(visitors) do
    leave(visitor)
    redis.call('ZREM', seen, visitor)
  end
end

local counted = 0
local minutes = {}
for _, event in ipairs(load.events) do
  if redis.call('SET', site .. event.mark, '1', 'NX', 'EX', keep.mark) then
    counted = counted + 1
    local minute = site .. event.minute
    minutes[minute] = true
    redis.call('HINCRBY', minute, 'events', 1)
    local order = event.order
    if order and (not order.mark or redis.call('SET', site .. order.mark, '1', 'NX', 'EX', keep.mark)) then
      redis.call('HINCRBY', minute, 'orders', 1)
      if order.revenue then redis.call('HINCRBY', minute, order.revenue[1], order.revenue[2]) end
    end
    if event.hit then attend(site, load.sessions, event.hit) end
    if event.vital then measure(site, load.vitals, event.vital) end
    if event.turn then trade(site, load.shop, event.turn) end
    redis.call('XADD', stream, 'MAXLEN', '~', keep.stream, '*', unpack(event.entry))
  end
end
for minute in pairs(minutes) do redis.call('EXPIRE', minute, keep.minute) end
if counted > 0 then redis.call('EXPIRE', stream, keep.mark) end
if load.sessions then close(site, load.sessions, keep.visitors) end
if load.vitals then write(load.vitals) end
if load.shop then tidy(site, load.shop) end

for _, unique in ipairs(load.uniques) do
  redis.call('PFADD', site .. unique.key, unpack(unique.ids))
  redis.call('EXPIRE', site .. unique.key, unique.keep)
end

for _, visitor in ipairs(load.visitors) do
  local last = redis.call('ZSCORE', seen, visitor.id)
  if not last or tonumber(visitor.at) >= tonumber(last) then
    redis.call('ZADD', seen, visitor.at, visitor.id)
    if visitor.page and redis.call('HGET', page, visitor.id) ~= visitor.page then
      leave(visitor.id)
      redis.call('ZINCRBY', pages, 1, visitor.page)
      redis.call('HSET', page, visitor.id, visitor.page)
    end
  end
end
if load.gone then
  forget(redis.call('ZRANGEBYSCORE', seen, '-inf', load.gone, 'LIMIT', 0, 1000))
  local excess = redis.call('ZCARD', seen) - keep.visitors
  if excess > 0 then forget(redis.call('ZRANGE', seen, 0, math.min(excess, 1000) - 1)) end
  for _, key in ipairs({ seen, page, pages }) do redis.call('EXPIRE', key, keep.presence) end
end
return counted
