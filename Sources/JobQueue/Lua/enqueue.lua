-- Asks for jobs to run; asking twice is asking once.
-- ARGV from 3, five a request: tenant, kind, class, delay ms, cost
-- Returns one letter a request: q queued, d delayed, c coalesced, f pulled forward, m marked dirty, x dead

-- Moves a queued job into a more urgent class. A queue emptied by it is noticed at the tenant's next visit.
local function promote(t, tenant, kind, c, state)
    local have, meta = match(state, '^q(%d)(.*)$')
    if c >= have then return end
    local isInline = locate(t.body, kind)
    if not isInline then call('LREM', listKey(tenant, have), 1, kind) end
    remove(t, tenant, kind)
    queued = queued - 1
    push(t, tenant, c, kind, meta)
end

local function delayed(t, tenant, kind, c, delay, state)
    local have, cost, attempt, deaths, enqueued, due = match(state, '^d(%d),(%d+),(%d+),(%d+),(%d+),(%d+)$')
    local class = c < have and c or have
    local meta = ',' .. cost .. ',' .. attempt .. ',' .. deaths .. ',' .. enqueued
    -- A job that failed keeps its distance, unless a human (urgent) asks.
    local free = (attempt == '0' and deaths == '0') or c == '0'
    if free and now + delay < tonumber(due) then
        call('ZREM', DELAY, tenant .. ',' .. kind)
        remove(t, tenant, kind)
        put(t, tenant, class, kind, now + delay, meta)
        return 'f'
    end
    if class ~= have then replace(t, tenant, kind, 'd' .. class .. meta .. ',' .. due) end
    return 'c'
end

local function dirty(t, tenant, kind, c, delay, state)
    local meta, asked = match(state, '^.(%d,%d+,%d+,%d+,%d+)(.*)$')
    local class, due = match(asked, '^,(%d),(%d+)$')
    -- "At once" is stored as 0, so that a clock that steps back can't delay it.
    local sooner = delay > 0 and whole(now + delay) or '0'
    if not class or c < class then class = c end
    if due and tonumber(due) < tonumber(sooner) then sooner = due end
    replace(t, tenant, kind, 'R' .. meta .. ',' .. class .. ',' .. sooner)
    return 'm'
end

local names = {}
for i = 3, #ARGV, 5 do names[#names + 1] = ARGV[i] end
fetch(names)

local FRESH = ',0,0,' .. NOW
local answers = {}
for i = 3, #ARGV, 5 do
    local tenant, kind, c, delay = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    local t = tenants[tenant]
    local state = peek(t, tenant, kind)
    local answer = 'c'
    if not state then
        put(t, tenant, c, kind, now + delay, ',' .. ARGV[i + 4] .. FRESH)
        answer = delay > 0 and 'd' or 'q'
    else
        local letter = sub(state, 1, 1)
        if letter == 'q' then
            promote(t, tenant, kind, c, state)
        elseif letter == 'd' then
            answer = delayed(t, tenant, kind, c, delay, state)
        elseif letter == 'x' then
            answer = 'x'
        else
            answer = dirty(t, tenant, kind, c, delay, state)
        end
    end
    answers[#answers + 1] = answer
end
finish()
return table.concat(answers)
