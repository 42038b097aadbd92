-- Changes what one tenant may do.
-- ARGV[3] verb, [4] tenant, then
--   pause   reason
--   resume
--   park    until ms (0: unpark), reason, classes such as "012"
--   limit   weight ('' for the default), max concurrency ('' for the default)
-- Returns 1 when the tenant was changed.
local verb, tenant = ARGV[3], ARGV[4]
fetch({ tenant })
local t = tenants[tenant]
t.controls = t.controls or {}
changed[tenant] = true
local controls = t.controls

-- Gives the classes that stand there a new place.
local function restandAll(standing)
    for c = 0, 2 do
        if t[c + 1] == standing then restand(t, tenant, c) end
    end
end

-- One field parks all classes, so that a parked tenant stays small.
local function park(until_, reason, classes)
    local fields = { '' }
    if classes ~= '012' or until_ <= now then
        for c in string.gmatch(classes, '%d') do fields[#fields + 1] = c end
        if classes ~= '012' then table.remove(fields, 1) end
    end
    for _, c in ipairs(fields) do
        controls['u' .. c] = until_ > now and until_ or nil
        controls['v' .. c] = until_ > now and reason or nil
    end
    for c in string.gmatch(classes, '%d') do
        if t[c + 1] == PARKED then
            call('ZREM', PARK, tenant .. ',' .. c)
            restand(t, tenant, c)
        end
    end
end

local answer = 1
if verb == 'pause' then
    controls.p = ARGV[5]
    call('SADD', S .. ':paused', tenant)
elseif verb == 'resume' then
    answer = controls.p and 1 or 0
    controls.p = nil
    call('SREM', S .. ':paused', tenant)
    restandAll(PAUSED)
elseif verb == 'park' then
    park(tonumber(ARGV[5]), ARGV[6], ARGV[7])
elseif verb == 'limit' then
    controls.w, controls.m = tonumber(ARGV[5]), tonumber(ARGV[6])
    restandAll(FULL)
end
finish()
return answer
