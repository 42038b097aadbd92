-- For the auditor, which compares the queue with the record of truth.
-- ARGV[3] verb:
--   find     then pairs of tenant and kind: one letter a pair: q d r x as in a job's state (R is r), - when it is nowhere
--   tenants  [4] cursor, [5] count: the next cursor, then tenants that have a record, some of them perhaps twice
--   forget   then tenants that are gone: all they have but what runs, their budget too; returns how many jobs were dropped
local verb = ARGV[3]

if verb == 'find' then
    local names = {}
    for i = 4, #ARGV, 2 do names[#names + 1] = ARGV[i] end
    fetch(names)
    local letters = {}
    for i = 1, #names do
        local state = peek(tenants[names[i]], names[i], ARGV[2 * i + 3])
        local letter = state and sub(state, 1, 1) or '-'
        letters[i] = letter == 'R' and 'r' or letter
    end
    return table.concat(letters)
end

if verb == 'tenants' then
    local answer = call('HSCAN', TENANTS, ARGV[4], 'COUNT', ARGV[5])
    local found = { answer[1] }
    for i = 1, #answer[2], 2 do
        if answer[2][i] ~= '' then found[#found + 1] = answer[2][i] end
    end
    return found
end

-- Every job of a tenant, by kind.
local function states(t, tenant)
    local all = {}
    for kind, state in string.gmatch(body(t), '\n([^\t\n]+)\t([^\n]*)') do all[kind] = state end
    if t.big then
        local page = call('HGETALL', bigKey(tenant))
        for i = 1, #page, 2 do all[page[i]] = page[i + 1] end
    end
    return all
end

local dropped = 0

local function drop(t, tenant, kind, state)
    local letter, c = sub(state, 1, 1), sub(state, 2, 2)
    if letter == 'r' or letter == 'R' then return end
    local name = tenant .. ',' .. kind
    if letter == 'q' then
        queued = queued - 1
        if t.big then call('LREM', listKey(tenant, c), 1, kind) end
    elseif letter == 'd' then
        call('ZREM', DELAY, name)
    else
        call('ZREM', S .. ':dead', name)
        call('HDEL', S .. ':why', name)
    end
    remove(t, tenant, kind)
    dropped = dropped + 1
end

local names = {}
for i = 4, #ARGV do names[#names + 1] = ARGV[i] end
fetch(names)
for _, tenant in ipairs(names) do
    local t = tenants[tenant]
    for kind, state in pairs(states(t, tenant)) do drop(t, tenant, kind, state) end
    call('SREM', S .. ':paused', tenant)
    call('ZREM', PARK, tenant .. ',0', tenant .. ',1', tenant .. ',2')
    -- Its places in the rings are found empty at their next turn, which resets their standing. A parked, paused or full
    -- class is in no ring and would stay what it is.
    for c = 0, 2 do
        if t[c + 1] ~= READY then t[c + 1] = IDLE end
    end
    t.controls = nil
    -- What still runs settles without its cell; should the tenant come back, its budget is set from the ledger.
    t.isBudgeted, t.pocket, t.isOut = nil, nil, nil
    call('HDEL', S .. ':b', tenant)
    changed[tenant] = true
end
finish()
return dropped
