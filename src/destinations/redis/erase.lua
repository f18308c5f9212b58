-- Forgets visitors of one site: where they are, their open session, how far they have come on the way to an order, and their cart.
-- KEYS are seen, page, pages, sessions, carts, level:1 to level:4, and then of each visitor the session, the way and the cart;
-- ARGV[1] is the JSON list of the visitors. Their entries in the stream are not its: it would be read with every call.
local FIXED, OWN = 9, 3
local page, pages = KEYS[2], KEYS[3]
local erased = 0
for place, visitor in ipairs(cjson.decode(ARGV[1])) do
  local old = redis.call('HGET', page, visitor)
  if old then
    if tonumber(redis.call('ZINCRBY', pages, -1, old)) <= 0 then redis.call('ZREM', pages, old) end
    redis.call('HDEL', page, visitor)
  end
  erased = erased + redis.call('ZREM', KEYS[1], visitor)
  for set = 4, FIXED do erased = erased + redis.call('ZREM', KEYS[set], visitor) end
  for own = 1, OWN do erased = erased + redis.call('DEL', KEYS[FIXED + (place - 1) * OWN + own]) end
end
return erased
