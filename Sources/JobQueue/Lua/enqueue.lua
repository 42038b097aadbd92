-- Asks for jobs to run; asking twice is asking once.
-- ARGV from 3, five a request: tenant, kind, class, delay ms, cost
-- Returns one letter a request: q queued, d delayed, c coalesced, f pulled forward, m marked dirty, x dead
local function delayed(tenant, kind, c, delay, j)
    local have, due, meta = string.match(j, '^d(%d),(%d+),(.*)$')
    local class = c < have and c or have
    -- A job that failed keeps its distance, unless a human (urgent) asks.
    local free = string.sub(meta, 1, 4) == '0,0,' or c == '0'
    if free and now + delay < tonumber(due) then
        call('ZREM', DELAY, tenant .. ',' .. kind)
        put(tenant, class, kind, now + delay, meta)
        return 'f'
    end
    if class ~= have then call('HSET', tenantKey(tenant), 'j' .. kind, 'd' .. class .. ',' .. due .. ',' .. meta) end
    return 'c'
end

local function dirty(tenant, kind, c, delay, j)
    local token, class, due = string.match(j, '^.(%d+),?(%d?),?(%d*)$')
    -- "At once" is stored as 0, so that a clock that steps back can't delay it.
    local sooner = delay > 0 and whole(now + delay) or '0'
    if class == '' or c < class then class = c end
    if due ~= '' and tonumber(due) < tonumber(sooner) then sooner = due end
    call('HSET', tenantKey(tenant), 'j' .. kind, 'R' .. token .. ',' .. class .. ',' .. sooner)
    return 'm'
end

local answers = {}
for i = 3, #ARGV, 5 do
    local tenant, kind, c, delay = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    local t = call('HMGET', tenantKey(tenant),
        'q' .. c, 'o' .. c, 's' .. c, 'p', 'u', 'u' .. c, 'n', 'm', 'j' .. kind)
    local j = t[9]
    local state = j and string.sub(j, 1, 1)
    local answer = 'c'
    if not j then
        put(tenant, c, kind, now + delay, '0,0,' .. NOW .. ',' .. ARGV[i + 4], t)
        answer = delay > 0 and 'd' or 'q'
    elseif state == 'q' then
        if c < string.sub(j, 2, 2) then push(tenant, c, kind, pull(tenant, kind, j)) end
    elseif state == 'd' then
        answer = delayed(tenant, kind, c, delay, j)
    elseif state == 'x' then
        answer = 'x'
    else
        answer = dirty(tenant, kind, c, delay, j)
    end
    answers[#answers + 1] = answer
end
finish()
return table.concat(answers)
