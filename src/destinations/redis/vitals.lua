-- Sketches of web vitals. The hash of a day holds `=METRIC|DEVICE` of all pages together, `METRIC|DEVICE|PATH` of each page, and
-- `#PATH`, the number of a page: another page in its place has another number. A sketch is "good middle poor;bin:count,…".
-- `@NUMBER` is the page of that number.
-- A sketch is read once in a call of the script, and written at its end.
local sketches, ending = {}, {}
local evicted = 0
local OTHER = '(other)'

local function parsed(key, field, text)
  local one = { key = key, field = field, had = text and true, changed = false, rated = { 0, 0, 0 }, bins = {} }
  if text then
    local good, middle, poor, rest = string.match(text, '^(%d+) (%d+) (%d+);(.*)$')
    one.rated = { tonumber(good), tonumber(middle), tonumber(poor) }
    for bin, count in string.gmatch(rest, '(-?%d+):(%d+)') do one.bins[bin] = tonumber(count) end
  end
  sketches[key .. ' ' .. field] = one
  return one
end

local function sketch(key, field)
  return sketches[key .. ' ' .. field] or parsed(key, field, redis.call('HGET', key, field))
end

local function change(one, bin, rating, by)
  local count = (one.bins[bin] or 0) + by
  one.bins[bin] = count > 0 and count or nil
  one.rated[rating] = math.max(one.rated[rating] + by, 0)
  one.changed = true
end

local function merge(into, one)
  for bin, count in pairs(one.bins) do into.bins[bin] = (into.bins[bin] or 0) + count end
  for rating = 1, 3 do into.rated[rating] = into.rated[rating] + one.rated[rating] end
  one.bins, one.rated = {}, { 0, 0, 0 }
  one.changed, into.changed = true, true
end

-- Gives up a page: what was measured there is that of other pages from now on.
local function evict(key, pages, path, rules)
  local fields = {}
  for place, group in ipairs(rules.groups) do fields[place] = group .. '|' .. path end
  local texts = redis.call('HMGET', key, unpack(fields))
  for place, field in ipairs(fields) do
    local one = sketches[key .. ' ' .. field]
    if not one and texts[place] then one = parsed(key, field, texts[place]) end
    if one then merge(sketch(key, rules.groups[place] .. '|' .. OTHER), one) end
  end
  redis.call('HDEL', key, '#' .. path, '@' .. (redis.call('HGET', key, '#' .. path) or ''))
  redis.call('ZREM', pages, path)
end

-- Returns the number of a page, and its path. When there are too many, it takes the place of the one with the fewest values, or
-- when that has happened too often in this call, it is one of the others.
local function numbered(key, pages, path, rules)
  if path == OTHER then return '0', OTHER end
  local number = redis.call('HGET', key, '#' .. path)
  if number then return number, path end
  local weight = '0'
  if redis.call('ZCARD', pages) >= rules.pages then
    if evicted >= rules.evictions then return '0', OTHER end
    evicted = evicted + 1
    local lightest = redis.call('ZRANGE', pages, 0, 0, 'WITHSCORES')
    evict(key, pages, lightest[1], rules)
    weight = lightest[2]
  end
  number = tostring(redis.call('HINCRBY', key, 'numbers', 1))
  redis.call('HSET', key, '#' .. path, number, '@' .. number, path)
  redis.call('ZADD', pages, weight, path)
  return number, path
end

-- Returns what a view said of a metric before, and where that is remembered.
local function recalled(site, vital)
  for _, words in ipairs({ site .. vital.words, site .. vital.words_before }) do
    local word = redis.call('HGET', words, vital.word)
    if word then return words, string.match(word, '^(%d+) (%d+) (-?%d+) (%d) (.+)$') end
  end
end

-- Remembers it, where it was before or where there is room.
local function remember(site, rules, known, vital, word)
  local words = site .. vital.words
  if known ~= words and redis.call('HLEN', words) >= rules.words then words = known end
  if not words then return end
  redis.call('HSET', words, vital.word, word)
  if words ~= known then ending[words] = rules.keep_words end
end

-- One value: what the same view said of the same metric before is taken back.
local function measure(site, rules, vital)
  local key, pages = site .. vital.sketches, site .. vital.pages
  local day = string.sub(key, -8)
  local known, old_day, old_number, old_bin, old_rating, old_group = recalled(site, vital)
  local is_new = old_day ~= day
  if not is_new then
    local path = redis.call('HGET', key, '@' .. old_number) or OTHER
    change(sketch(key, '=' .. old_group), old_bin, tonumber(old_rating), -1)
    change(sketch(key, old_group .. '|' .. path), old_bin, tonumber(old_rating), -1)
  end
  local number, path = numbered(key, pages, vital.path, rules)
  if is_new and number ~= '0' then redis.call('ZINCRBY', pages, 1, path) end
  change(sketch(key, '=' .. vital.group), vital.bin, vital.rating, 1)
  change(sketch(key, vital.group .. '|' .. path), vital.bin, vital.rating, 1)
  remember(site, rules, known, vital, table.concat({ day, number, vital.bin, vital.rating, vital.group }, ' '))
  ending[pages], ending[key] = rules.keep, rules.keep
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
    if #parts > 0 and one.changed then
      redis.call('HSET', one.key, one.field, table.concat(one.rated, ' ') .. ';' .. table.concat(parts, ','))
    elseif #parts == 0 and one.had then
      redis.call('HDEL', one.key, one.field)
    end
  end
  for key, keep in pairs(ending) do redis.call('EXPIRE', key, keep) end
end
