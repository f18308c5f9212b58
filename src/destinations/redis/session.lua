-- One event of a visitor: the session that it belongs to takes it, or it begins one. The rules are those of
-- `projections::session`, and that a session is over when nothing has arrived for longer than a pause.
local function day(at, rules) return math.floor((at + rules.offset) / 86400000) end

local function is_over(hit, at, start, last, campaign, rules)
  return at > last
    and (at - last > rules.timeout
      or at - start >= rules.longest
      or (rules.campaign and hit.page and hit.campaign ~= nil and hit.campaign ~= campaign)
      or (rules.midnight and day(at, rules) ~= day(last, rules)))
end

-- A counter that overflows stops a script in the middle: these have an end that no number of milliseconds comes near.
local LONGEST, MOST = 86400000, 9007199254740991
local function attended(before, more)
  local ms = math.max(0, math.min(tonumber(more) or 0, LONGEST))
  return string.format('%.0f', math.min((tonumber(before) or 0) + ms, MOST))
end

local function view(key, hit, at, entry_at, exit_at, campaign_at)
  redis.call('HINCRBY', key, 'pageviews', 1)
  if not entry_at or at < entry_at then
    redis.call('HDEL', key, 'entry', 'referrer')
    redis.call('HSET', key, 'entry_at', hit.at)
    if hit.path then redis.call('HSET', key, 'entry', hit.path) end
    if hit.referrer then redis.call('HSET', key, 'referrer', hit.referrer) end
  end
  if not exit_at or at >= exit_at then
    redis.call('HDEL', key, 'exit')
    redis.call('HSET', key, 'exit_at', hit.at)
    if hit.path then redis.call('HSET', key, 'exit', hit.path) end
  end
  if hit.campaign and (not campaign_at or at < campaign_at) then
    redis.call('HSET', key, 'campaign', hit.campaign, 'campaign_at', hit.at)
  end
end

local function attend(site, rules, hit)
  local key, open = site .. 'sess:' .. hit.visitor, site .. 'sessions'
  local known = redis.call('HMGET', key, 'start', 'last', 'arrived', 'campaign', 'entry_at', 'exit_at', 'campaign_at', 'engaged_ms')
  local at, arrived = tonumber(hit.at), tonumber(hit.arrived)
  local start, last, heard = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
  if start and arrived - heard > rules.timeout then start = nil end
  if start and at < start - rules.timeout then return end
  if not start or is_over(hit, at, start, last, known[4], rules) then
    if not hit.active then return end
    redis.call('DEL', key)
    redis.call('HSET', key, 'start', hit.at, 'last', hit.at)
    start, last, heard, known = at, at, nil, {}
  end
  if not hit.identity then
    redis.call('HINCRBY', key, 'events', 1)
    if hit.active or hit.engaged then
      if at < start then redis.call('HSET', key, 'start', hit.at) end
      if at > last then redis.call('HSET', key, 'last', hit.at) end
    end
    if hit.engaged_ms then redis.call('HSET', key, 'engaged_ms', attended(known[8], hit.engaged_ms)) end
    if hit.view then
      view(key, hit, at, tonumber(known[5]), tonumber(known[6]), tonumber(known[7]))
    elseif hit.active then
      redis.call('HINCRBY', key, 'interactions', 1)
      if hit.conversion then redis.call('HINCRBY', key, 'conversions', 1) end
    end
  end
  if not heard or arrived > heard then
    redis.call('HSET', key, 'arrived', hit.arrived)
    redis.call('ZADD', open, hit.arrived, hit.visitor)
  end
  redis.call('EXPIRE', key, rules.keep)
end

-- Sessions in which nothing arrived for longer than a pause are no longer counted, and those beyond the most there may be end.
local function close(site, rules, most)
  local open = site .. 'sessions'
  redis.call('ZREMRANGEBYSCORE', open, '-inf', rules.ended)
  local excess = redis.call('ZCARD', open) - most
  if excess > 0 then
    for _, visitor in ipairs(redis.call('ZRANGE', open, 0, math.min(excess, 1000) - 1)) do
      redis.call('DEL', site .. 'sess:' .. visitor)
      redis.call('ZREM', open, visitor)
    end
  end
  redis.call('EXPIRE', open, rules.keep)
end
