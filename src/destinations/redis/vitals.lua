-- Sketches of web vitals. The hash of a day holds `=METRIC|DEVICE` of all pages together, `METRIC|DEVICE|PATH` of each page, and
-- `#PATH`, the number of a page: another page in its place has another number. A sketch is "good middle poor;bin:count,…".
-- A sketch is read once in a call of the script, and written at its end.
local sketches = {}
local OTHER = '(other)'

local function sketch(key, field)
  local id = key .. ' ' .. field
  if sketches[id] then return sketches[id] end
  local one = { key = key, field = field, rated = { 0, 0, 0 }, bins = {} }
  local text = redis.call('HGET', key, field)
  if text then
    local good, middle, poor, rest = string.match(text, '^(%d+) (%d+) (%d+);(.*)$')
    one.rated = { tonumber(good), tonumber(middle), tonumber(poor) }
    for bin, count in string.gmatch(rest, '(-?%d+):(%d+)') do one.bins[bin] = tonumber(count) end
  end
  sketches[id] = one
  return one
end

local function change(one, bin, rating, by)
  local count = (one.bins[bin] or 0) + by
  one.bins[bin] = count > 0 and count or nil
  one.rated[rating] = math.max(one.rated[rating] + by, 0)
end

local function merge(into, one)
  for bin, count in pairs(one.bins) do into.bins[bin] = (into.bins[bin] or 0) + count end
  for rating = 1, 3 do into.rated[rating] = into.rated[rating] + one.rated[rating] end
  one.bins, one.rated = {}, { 0, 0, 0 }
end

-- Returns the number of a page. When there are too many, it takes the place of the one with the fewest values.
local function numbered(key, pages, path, rules)
  if path == OTHER then return '0' end
  local number = redis.call('HGET', key, '#' .. path)
  if number then return number end
  local weight = '0'
  if redis.call('ZCARD', pages) >= rules.pages then
    local lightest = redis.call('ZRANGE', pages, 0, 0, 'WITHSCORES')
    for _, group in ipairs(rules.groups) do
      merge(sketch(key, group .. '|' .. OTHER), sketch(key, group .. '|' .. lightest[1]))
    end
    redis.call('HDEL', key, '#' .. lightest[1])
    redis.call('ZREM', pages, lightest[1])
    weight = lightest[2]
  end
  number = tostring(redis.call('HINCRBY', key, 'numbers', 1))
  redis.call('HSET', key, '#' .. path, number)
  redis.call('ZADD', pages, weight, path)
  return number
end

-- One value: what the same view said of the same metric before is taken back.
local function measure(site, rules, keep, vital)
  local key, pages, word = site .. vital.sketches, site .. vital.pages, site .. vital.word
  local before = redis.call('GET', word)
  local is_new = true
  if before then
    local old = cjson.decode(before)
    if old.key == key then
      is_new = false
      local is_there = redis.call('HGET', key, '#' .. old.path) == old.number
      change(sketch(key, '=' .. old.group), old.bin, old.rating, -1)
      change(sketch(key, old.group .. '|' .. (is_there and old.path or OTHER)), old.bin, old.rating, -1)
    end
  end
  local number = numbered(key, pages, vital.path, rules)
  if is_new and number ~= '0' then redis.call('ZINCRBY', pages, 1, vital.path) end
  change(sketch(key, '=' .. vital.group), vital.bin, vital.rating, 1)
  change(sketch(key, vital.group .. '|' .. vital.path), vital.bin, vital.rating, 1)
  local said = { key = key, number = number, path = vital.path, group = vital.group, bin = vital.bin, rating = vital.rating }
  redis.call('SET', word, cjson.encode(said), 'EX', keep)
  redis.call('EXPIRE', pages, rules.keep)
end

-- A page's sketch has at most so many bins: beyond, the lowest fall together, so that the upper quantiles stay what they are.
local function narrow(one, most)
  local order = {}
  for bin in pairs(one.bins) do order[#order + 1] = tonumber(bin) end
  table.sort(order)
  for place = 1, #order - most do
    local low, next = tostring(order[place]), tostring(order[place + 1])
    one.bins[next] = one.bins[next] + one.bins[low]
    one.bins[low] = nil
  end
end

local function write(rules)
  for _, one in pairs(sketches) do
    if string.sub(one.field, 1, 1) ~= '=' then narrow(one, rules.bins) end
    local parts = {}
    for bin, count in pairs(one.bins) do parts[#parts + 1] = bin .. ':' .. count end
    if #parts == 0 then
      redis.call('HDEL', one.key, one.field)
    else
      redis.call('HSET', one.key, one.field, table.concat(one.rated, ' ') .. ';' .. table.concat(parts, ','))
    end
    redis.call('EXPIRE', one.key, rules.keep)
  end
end
