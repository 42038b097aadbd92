-- Budgets from outside of leases.
-- ARGV[3] verb, then
--   set     tenant, provider (1 ActiveCampaign, 2 Salesforce), calls a day ('' ends the budget), most the org may have used
--           ('' unbounded), calls spent that are unknown, ms for which only a part may be spent without proof (0: none), that
--           part in percent, then pairs: quarter of an hour (ms of its beginning), calls. All behind the limits counts only
--           for a purse that is not there: known ones know better. Returns 1 when the purse was not there.
--   extend  worker, then four a run: lease, what it called so far (as purse.lua reads it), calls wanted of each provider.
--           Returns six numbers a run: whether the lease is still the worker's, granted of each, when more may
--           come (ms from now, 0: granted), which provider is short (0: none), percent used.
--   look    tenant, provider. Books one call for a person who looks without a lease, and who comes before all jobs. Returns ms
--           until there will be one (0: booked).
--   show    tenant. Returns now, then for each purse: provider and its figures; see the end.
local verb = ARGV[3]

-- A tenant and its cell, its pocket emptied; of what is not finished nothing is written back.
local function open(tenant)
    fetch({ tenant })
    fold(tenants[tenant], tenant)
    return tenants[tenant], cellOf(tenant)
end

local function newPurse(limit, unknown, learning, part, first)
    local p = { l = limit, n = 0, r = 0, b = '', x = '', e = {}, d = 0, dt = 0, s = 0, lo = 0 }
    for i = first, #ARGV, 2 do book(p, tonumber(ARGV[i + 1]), tonumber(ARGV[i])) end
    if unknown > 0 then bookUnknown(p, unknown) end
    rollPurse(p)
    if learning > 0 then
        p.w, p.wu = p.n + math.max(1, math.floor(math.max(0, limit - p.n) * part / 100)), now + learning
    end
    return p
end

local function set()
    local tenant, provider, limit = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
    local t, cell = open(tenant)
    local isNew = 0
    if limit then
        if not cell then
            cell = { false, false, v = {} }
            cells[tenant] = cell
        end
        if not cell[provider] then
            cell[provider] = newPurse(limit, tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), 11)
            isNew = 1
        end
        cell[provider].l, cell[provider].o = limit, tonumber(ARGV[7])
    elseif cell then
        cell[provider] = false
    end
    if cell and not cell[1] and not cell[2] then
        call('HDEL', CELLS, tenant)
        cells[tenant] = false
    end
    changed[tenant] = true
    wakeBudgets(t, tenant)
    t.isBudgeted = cells[tenant] and true or false
    finish()
    return isNew
end

-- Grants what there is of what a run wants; the class is that of its lease, so bulk stops before the others.
local function grantMore(cell, c, kind, wanted)
    local held, granted, wait, short = cell.v[kind], { 0, 0 }, 0, 0
    for i = 1, 2 do
        local p = cell[i]
        if p and wanted[i] > 0 then
            granted[i] = math.max(0, math.min(wanted[i], room(p, c)))
            if granted[i] == 0 then wait, short = math.max(wait, waitFor(p, c, 1) - now), i end
        elseif wanted[i] > 0 then
            granted[i] = wanted[i]
        end
    end
    for i = 1, 2 do
        if cell[i] then
            held[i] = held[i] + granted[i]
            cell[i].r = cell[i].r + granted[i]
        end
    end
    return granted, wait, short
end

local function extend()
    local own, answer = S .. ':own:' .. ARGV[4], {}
    for i = 5, #ARGV, 4 do
        local tenant, kind = parts(ARGV[i])
        local t, cell = open(tenant)
        local wanted = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) }
        if call('SISMEMBER', own, ARGV[i]) == 0 then
            for _, value in ipairs({ 0, 0, 0, 0, 0, 0 }) do answer[#answer + 1] = value end
        elseif not cell then
            for _, value in ipairs({ 1, wanted[1], wanted[2], 0, 0, 0 }) do answer[#answer + 1] = value end
        else
            cell.v[kind] = cell.v[kind] or { 0, 0, 0, 0 }
            local made, held = spend(cell, kind, ARGV[i + 1])
            for side = 1, 2 do
                local p, back = cell[side], math.min(held[side], made[side])
                if p then held[side], p.r = held[side] - back, math.max(0, p.r - back) end
            end
            local c = tonumber(match(peek(t, tenant, kind) or '', '^.(%d)')) or 1
            local granted, wait, short = grantMore(cell, c, kind, wanted)
            for _, value in ipairs({ 1, granted[1], granted[2], wait, short, percent(cell) }) do
                answer[#answer + 1] = value
            end
        end
    end
    finish()
    return answer
end

local function look()
    local _, cell = open(ARGV[4])
    local p = cell and cell[tonumber(ARGV[5])]
    if not p then return 0 end
    local at, _, one = shortage(p, 0, 1)
    if at then return math.ceil(at - now) end
    if one then probe(p) end
    bookMade(p, 1)
    -- As if a run had ended: a figure that was asked for just now need not hold it.
    p.lo = now
    finish()
    return 0
end

-- provider, limit, spent, reserved, unknown, part that is open without proof (-1), org's ceiling (-1), org's use (-1), its
-- age in ms, our calls since, when it may run again by class as ms from now (0: now), calls that leave in each of the next
-- 24 hours.
local function show()
    local _, cell = open(ARGV[4])
    local answer = {}
    for i = 1, 2 do
        local p = cell and cell[i]
        if p then
            local hours = {}
            for h = 1, 25 do hours[h] = 0 end
            for _, quarters in ipairs({ quartersOf(p.b), quartersOf(p.x) }) do
                for quarter, calls in pairs(quarters) do
                    local hour = math.floor(((quarter + KEPT) * QUARTER - now) / 3600000)
                    hour = math.max(1, math.min(25, hour + 1))
                    hours[hour] = hours[hour] + calls
                end
            end
            answer[#answer + 1] = { i, p.l, p.n, p.r, p.d, p.w or -1, p.o or -1, p.h or -1, p.ht and now - p.ht or -1, p.s }
            local waits = {}
            for c = 0, 2 do
                local at = shortage(p, c, 1)
                waits[c + 1] = at and at - now or 0
            end
            answer[#answer + 1] = waits
            answer[#answer + 1] = hours
        end
    end
    return { now, answer }
end

if verb == 'set' then return set() end
if verb == 'extend' then return extend() end
if verb == 'look' then return look() end
return show()
