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
    local u = call('HMGET', key, 'u', 'u' .. c)
    local s = stand(tenant, c, paused, u[1], u[2], tonumber(t[2]) or 0, m)
    call('HSET', key, 's' .. c, s)
    if s == 'r' then enring(tenant, c) end
end

-- One field parks all classes, so that a parked tenant stays small.
local function park(wake, reason, classes)
    local fields = { 'u' }
    if classes ~= '012' then
        fields = {}
        for c in string.gmatch(classes, '%d') do fields[#fields + 1] = 'u' .. c end
    end
    if wake > now then
        for _, field in ipairs(fields) do call('HSET', key, field, wake .. ',' .. reason) end
    else
        call('HDEL', key, unpack(classes == '012' and { 'u', 'u0', 'u1', 'u2' } or fields))
    end
    for c in string.gmatch(classes, '%d') do
        if t[4 + c] == 'p' then
            call('ZREM', PARK, tenant .. ',' .. c)
            restand(c, t[1], tonumber(t[3]) or MAX_RUNNING)
        end
    end
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
    park(tonumber(ARGV[5]), ARGV[6], ARGV[7])
elseif verb == 'limit' then
    setOrClear('w', ARGV[5])
    setOrClear('m', ARGV[6])
    for c = 0, 2 do
        if t[4 + c] == 'm' then restand(c, t[1], tonumber(ARGV[6]) or MAX_RUNNING) end
    end
end
finish()
return 1
