-- Asks for jobs to run; asking twice is asking once.
-- ARGV from 3, five a request: tenant, kind, class, delay ms, cost
-- Returns one letter a request: q queued, d delayed, c coalesced, f pulled forward, m marked dirty, x dead

-- Moves a queued job into a more urgent class. A queue emptied by it is noticed at the tenant's next visit.
local function promote(t, tenant, kind, c, state)
    local have, meta = match(state, '^q(%d)(.*)$')
    if c >= have then return end
    local isInline = locate(body(t), kind, 1)
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

local function request(t, tenant, kind, c, delay, cost)
    local state = peek(t, tenant, kind)
    if not state then
        put(t, tenant, c, kind, now + delay, ',' .. cost .. ',0,0,' .. NOW)
        return delay > 0 and 'd' or 'q'
    end
    local letter = sub(state, 1, 1)
    if letter == 'q' then
        promote(t, tenant, kind, c, state)
        return 'c'
    end
    if letter == 'd' then return delayed(t, tenant, kind, c, delay, state) end
    if letter == 'x' then return 'x' end
    return dirty(t, tenant, kind, c, delay, state)
end

-- What stands before the only job of a tenant that had nothing, or nothing but a budget; nil: it has more.
local function beforeLone(record, c)
    if not record then return LONE_QUEUED[c] end
    if record == BUDGET_IDLE then return BUDGET_QUEUED[c] end
    if POCKET_QUEUED[c] and sub(record, 1, 7) == POCKET_IDLE then return POCKET_QUEUED[c] .. sub(record, 8) .. '\n' end
    return nil
end

local names = {}
for i = 3, #ARGV, 5 do names[#names + 1] = ARGV[i] end
local records = call('HMGET', TENANTS, unpack(names))
local fresh, answers = {}, {}
for i = 1, #names do
    local at = 5 * i - 2
    local tenant, kind, c, delay, cost = names[i], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local known = tenants[tenant] or fresh[tenant]
    local before = not known and delay == '0' and beforeLone(records[i], tonumber(c))
    if before then
        local record = before .. kind .. '\tq' .. c .. ',' .. cost .. ',0,0,' .. NOW
        fresh[tenant] = record
        setLone(tenant, record)
        enring(tenant, c)
        queued = queued + 1
        answers[i] = 'q'
    else
        tenants[tenant] = tenants[tenant] or decode(fresh[tenant] or records[i])
        answers[i] = request(tenants[tenant], tenant, kind, c, tonumber(delay), cost)
    end
end
finish()
return table.concat(answers)
