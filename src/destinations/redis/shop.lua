-- What is bought: sums of a day, how far a visitor has come on the way to an order, and what lies in a cart. The rules are those of
-- `projections::commerce`. `way:VISITOR` holds when the chain began that led to each step, `cart:VISITOR` the products as
-- "digest:millionths,…"; both end by themselves when they mean nothing any more.
local STEPS, MOST_SUM = 4, 9007199254740991
local function whole(number) return string.format('%.0f', number) end

local function full(site, rules)
  local all = 0
  for level = 1, STEPS do all = all + redis.call('ZCARD', site .. 'level:' .. level) end
  return all >= rules.shoppers
end

local function walk(site, rules, turn)
  local key = site .. 'way:' .. turn.visitor
  local known = redis.call('HMGET', key, 'last', 'level', '1', '2', '3', '4')
  local at, last, level = tonumber(turn.at), tonumber(known[1]), tonumber(known[2]) or 0
  local new = level
  if level < STEPS then
    local begun = turn.at
    if turn.step > 1 then
      begun = known[turn.step + 1]
      if begun and at > tonumber(begun) + rules.followed then begun = nil end
    end
    if begun and (level > 0 or not full(site, rules)) then
      redis.call('HSET', key, turn.step, begun)
      new = math.max(level, turn.step)
    end
  end
  if new == 0 then return end
  last = math.max(last or at, at)
  redis.call('HSET', key, 'last', whole(last), 'level', new)
  redis.call('PEXPIREAT', key, whole(last + rules.followed))
  if new ~= level and level > 0 then redis.call('ZREM', site .. 'level:' .. level, turn.visitor) end
  redis.call('ZADD', site .. 'level:' .. new, whole(last), turn.visitor)
end

local function changed(items, product, pieces, most)
  local parts, is_there = {}, false
  for name, quantity in string.gmatch(items, '(%x+):(%d+)') do
    quantity = tonumber(quantity)
    if name == product then
      is_there = true
      quantity = math.min(quantity + pieces, MOST_SUM)
    end
    if quantity > 0 then parts[#parts + 1] = name .. ':' .. whole(quantity) end
  end
  if not is_there and pieces > 0 and #parts < most then parts[#parts + 1] = product .. ':' .. whole(pieces) end
  return table.concat(parts, ',')
end

local function fill(site, rules, turn)
  local key, open, cart = site .. 'cart:' .. turn.visitor, site .. 'carts', turn.cart
  local at, arrived = tonumber(turn.at), tonumber(turn.arrived)
  local known = redis.call('HMGET', key, 'touched', 'due', 'items')
  local touched, items = tonumber(known[1]), known[3] or ''
  local function drop()
    redis.call('DEL', key)
    redis.call('ZREM', open, turn.visitor)
  end
  if touched and (tonumber(known[2]) <= arrived or at - touched >= rules.abandoned) then
    drop()
    touched, items = nil, ''
  end
  if cart.what == 'end' then return drop() end
  if not touched and (cart.what ~= 'open' or redis.call('ZCARD', open) >= rules.carts) then return end
  if cart.product then items = changed(items, cart.product, tonumber(cart.pieces), rules.products) end
  if items == '' then return drop() end
  touched = math.max(touched or at, at)
  local due = math.max(touched, arrived) + rules.abandoned
  redis.call('HSET', key, 'touched', whole(touched), 'due', whole(due), 'items', items)
  redis.call('PEXPIREAT', key, whole(due))
  redis.call('ZADD', open, whole(due), turn.visitor)
end

local function add(key, field, more)
  local sum = (tonumber(redis.call('HGET', key, field)) or 0) + more
  redis.call('HSET', key, field, whole(math.max(-MOST_SUM, math.min(sum, MOST_SUM))))
end

local function sell(site, rules, sale)
  local sums, sold, currency, cents = site .. sale.sums, site .. sale.sold, sale.currency, sale.cents
  local known = sale.id and redis.call('HGET', sold, sale.id)
  if sale.refund then
    if cents == '0' and known then cents, currency = string.match(known, '^(-?%d+) (.*)$') end
  elseif known then
    return
  end
  if redis.call('HEXISTS', sums, 'n:' .. currency) == 0 then
    if redis.call('HLEN', sums) >= 3 * rules.currencies then return end
    redis.call('HSET', sums, 'n:' .. currency, 0, 'g:' .. currency, 0, 'r:' .. currency, 0)
    redis.call('EXPIRE', sums, rules.keep_day)
  end
  if sale.refund then return add(sums, 'r:' .. currency, tonumber(cents)) end
  add(sums, 'n:' .. currency, 1)
  add(sums, 'g:' .. currency, tonumber(cents))
  if sale.id and redis.call('HLEN', sold) < rules.orders then
    redis.call('HSET', sold, sale.id, cents .. ' ' .. currency)
    redis.call('EXPIRE', sold, rules.keep_day)
  end
end

local function trade(site, rules, turn)
  if turn.step then walk(site, rules, turn) end
  if turn.cart then fill(site, rules, turn) end
  if turn.sale then sell(site, rules, turn.sale) end
end

-- Who is not followed any more, and what was left, is not counted; all of it ends where nobody comes any more.
local function tidy(site, rules)
  for level = 1, STEPS do
    local key = site .. 'level:' .. level
    redis.call('ZREMRANGEBYSCORE', key, '-inf', rules.gone)
    redis.call('PEXPIRE', key, rules.followed)
  end
  redis.call('ZREMRANGEBYSCORE', site .. 'carts', '-inf', rules.now)
  redis.call('PEXPIRE', site .. 'carts', rules.abandoned + 60000)
end
