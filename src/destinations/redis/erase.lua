-- Forgets visitors of one site: where they are, their open session, and their entries in the stream. KEYS are seen, page, pages,
-- sessions, stream, the stream that takes its place, and then the session of each visitor; ARGV[1] is the JSON list of the
-- visitors. An entry that is deleted leaves its bytes in its block, so the others move to a stream that is made anew.
local seen, page, pages, sessions, stream, fresh = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local erased, is_theirs = 0, {}
for place, visitor in ipairs(cjson.decode(ARGV[1])) do
  is_theirs[visitor] = true
  local old = redis.call('HGET', page, visitor)
  if old then
    if tonumber(redis.call('ZINCRBY', pages, -1, old)) <= 0 then redis.call('ZREM', pages, old) end
    redis.call('HDEL', page, visitor)
  end
  erased = erased + redis.call('ZREM', seen, visitor) + redis.call('ZREM', sessions, visitor)
  erased = erased + redis.call('DEL', KEYS[6 + place])
end
local function visitor_of(fields)
  for at = 1, #fields, 2 do
    if fields[at] == 'visitor' then return fields[at + 1] end
  end
end
local entries, theirs = redis.call('XRANGE', stream, '-', '+'), 0
for _, entry in ipairs(entries) do
  if is_theirs[visitor_of(entry[2])] then theirs = theirs + 1 end
end
if theirs > 0 then
  redis.call('DEL', fresh)
  for _, entry in ipairs(entries) do
    if not is_theirs[visitor_of(entry[2])] then redis.call('XADD', fresh, entry[1], unpack(entry[2])) end
  end
  local left = redis.call('PTTL', stream)
  if theirs == #entries then
    redis.call('DEL', stream)
  else
    redis.call('RENAME', fresh, stream)
    if left > 0 then redis.call('PEXPIRE', stream, left) end
  end
end
return erased + theirs
