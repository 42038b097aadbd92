-- Changes what one tenant may do.
-- ARGV[3] verb, [4] tenant, then
--   pause   reason
--   resume
--   park    until ms (0: unpark), reason, classes such as "012"
--   limit   weight ('' for the default), max concurrency ('' for the default)
-- Returns 1 when the tenant was changed.
local verb, tenant = ARGV[3], ARGV[4]
local key = tenantKey(tenant)
local t = call('HMGET', key, 'p', 'n', 'm', 's0', 's1', 's2')

local function restand(c, paused, m)
    local s = stand(tenant, c, paused, call('HGET', key, 'u' .. c), tonumber(t[2]) or 0, m)
    call('HSET', key, 's' .. c, s)
    if s == 'r' then enring(tenant, c) end
end

local function parkClass(c, wake, reason)
    local s = t[4 + c]
    if wake <= now then
        call('HDEL', key, 'u' .. c)
        if s ~= 'p' then return end
        call('ZREM', PARK, tenant .. ',' .. c)
        return restand(c, t[1], tonumber(t[3]) or MAX_RUNNING)
    end
    call('HSET', key, 'u' .. c, wake .. ',' .. reason)
    if s == 'p' then call('ZADD', PARK, wake, tenant .. ',' .. c) end
end

local function setOrClear(field, value)
    if value == '' then call('HDEL', key, field) else call('HSET', key, field, value) end
end

if verb == 'pause' then
    call('HSET', key, 'p', ARGV[5])
    call('SADD', S .. ':paused', tenant)
elseif verb == 'resume' then
    if not t[1] then return 0 end
    call('HDEL', key, 'p')
    call('SREM', S .. ':paused', tenant)
    for c = 0, 2 do
        if t[4 + c] == 'x' then restand(c, false, tonumber(t[3]) or MAX_RUNNING) end
    end
elseif verb == 'park' then
    for c in string.gmatch(ARGV[7], '%d') do parkClass(tonumber(c), tonumber(ARGV[5]), ARGV[6]) end
elseif verb == 'limit' then
    setOrClear('w', ARGV[5])
    setOrClear('m', ARGV[6])
    for c = 0, 2 do
        if t[4 + c] == 'm' then restand(c, t[1], tonumber(ARGV[6]) or MAX_RUNNING) end
    end
end
finish()
return 1
