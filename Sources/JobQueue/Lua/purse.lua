-- Budgets: what a tenant's calls to its providers may come to. Stands between shard.lua and the scripts that need it.
--
--   S:b  HASH  tenant -> cell (msgpack); only tenants with a budget have one, and a flag of their record says so, so that
--              all others stay on the short way
-- cell:  [1] purse for ActiveCampaign, [2] for Salesforce, v: kind -> what its run holds (four numbers: reserved of each,
--        settled so far of each)
-- purse: l calls allowed in any 24 hours, n spent in them, b quarter of an hour -> calls spent in it, r reserved by runs,
--        e kind -> tenths of calls its runs take, d, dt calls that runs which died may have made, and when the last did;
--        o the most the whole org may have used, h, ht its own figure and when that was asked for, s calls of ours since,
--        lo when a run ended last, q, pt how long to wait for the org's next figure, and since when;
--        w, wu after a loss: the most that may be spent before a figure proves more, and until when
--
-- A call is booked when it is settled, which is later than it was made, and a quarter leaves the window when all of it
-- has: every error counts against us, less than an hour of a day.
-- A day of quarters, the one that has begun, and one for clocks that differ or step.
local CELLS, QUARTER, KEPT = S .. ':b', 900000, 98
-- Percent of the allowance that each class may use: back-fills stop first, what people ask for last.
local PART = { [0] = 100, 90, 60 }
local NAMES = { 'ActiveCampaign', 'Salesforce' }
-- Calls that a run is given at most before it asks for more; kinds of job whose runs are averaged.
local FIRST_GRANT, KINDS = 32, 8
-- How long a dead worker's run may go on calling: it is stopped when it takes longer than this anyway.
local ZOMBIE = 1800000
-- How long ago the last run has ended, at least, when a figure is to prove that calls were not made.
local SETTLED = 10000
-- Waits for the org's next figure, which only a call brings: doubling.
local PROBE, LAST_PROBE = 300000, 3600000
local cells = {}

local function rollPurse(p)
    local oldest = math.floor(now / QUARTER) - KEPT
    for quarter, calls in pairs(p.b) do
        if quarter <= oldest then
            p.b[quarter], p.n = nil, p.n - calls
        end
    end
    if p.w and now >= p.wu then p.w, p.wu = nil, nil end
end

local function take(tenant, packed)
    local cell = packed and cmsgpack.unpack(packed) or false
    cells[tenant] = cell
    for i = 1, 2 do
        if cell and cell[i] then rollPurse(cell[i]) end
    end
end

-- A tenant's cell; it is written back at the end of the script.
local function cellOf(tenant)
    if cells[tenant] == nil then take(tenant, call('HGET', CELLS, tenant)) end
    return cells[tenant]
end

-- Reads the cells of those of these tenants that have one, by their records.
local function fetchCells(names, records)
    local wanted, count = {}, 0
    for i = 1, #names do
        local record = records[i]
        if record and byte(record) >= 4 and cells[names[i]] == nil then
            count = count + 1
            wanted[count] = names[i]
        end
    end
    if count == 0 then return end
    local packed = call('HMGET', CELLS, unpack(wanted))
    for i = 1, count do take(wanted[i], packed[i]) end
end

saveCells = function()
    local set, count = {}, 0
    for tenant, cell in pairs(cells) do
        if cell then
            set[count + 1], set[count + 2] = tenant, cmsgpack.pack(cell)
            count = count + 2
        end
    end
    if count > 0 then call('HSET', CELLS, unpack(set)) end
end

-- MARK: spending

local function book(p, calls, at)
    if calls <= 0 then return end
    local quarter = math.floor(at / QUARTER)
    p.b[quarter], p.n = (p.b[quarter] or 0) + calls, p.n + calls
end

-- Takes calls that were not made out of the youngest quarters.
local function unbook(p, calls)
    local quarters = {}
    for quarter in pairs(p.b) do quarters[#quarters + 1] = quarter end
    table.sort(quarters, function(a, b) return a > b end)
    for _, quarter in ipairs(quarters) do
        local part = math.min(calls, p.b[quarter])
        local left = p.b[quarter] - part
        p.b[quarter], p.n, calls = left > 0 and left or nil, p.n - part, calls - part
        if calls == 0 then return end
    end
end

local function bookMade(p, calls)
    book(p, calls, now)
    p.s = p.s + calls
end

-- The org's own figure, that an answer to this run brought: `age` ms ago it was asked for, `after` calls of the run later.
-- Only a younger one counts. `isOnly`: no other run holds calls, so that all of ours are in the figure unless a run has
-- ended since it was asked for.
local function readFigure(p, used, age, after, isOnly)
    local at = now - age
    if p.ht and at < p.ht then return end
    p.h, p.ht = used, at
    if isOnly and at >= p.lo then p.s = after end
    -- What the dead may have spent is given back as far as the org has not seen it.
    local over = math.min(p.d, p.n - used - after)
    if over > 0 and isOnly and at > p.lo + SETTLED and at > p.dt + ZOMBIE then
        p.d = p.d - over
        unbook(p, over)
    end
    p.w, p.wu = nil, nil
    if p.o and p.o - p.h - p.s > 0 then p.q, p.pt = nil, nil end
end

-- Averages what runs of a kind take.
local function learn(p, kind, tenths)
    local old, count = p.e[kind], 0
    for _ in pairs(p.e) do count = count + 1 end
    if old or count < KINDS then p.e[kind] = old and math.ceil((3 * old + tenths) / 4) or tenths end
end

-- Counts what a run has called since it last said so. `text`: calls to ActiveCampaign, calls to Salesforce and, when there
-- was a figure, the org's use, its age, and the calls made after it.
local function spend(cell, kind, text)
    local a, s, used, age, after = match(text, '^(%d+),(%d+),?(%d*),?(%d*),?(%d*)$')
    local made, held = { tonumber(a) or 0, tonumber(s) or 0 }, cell.v[kind]
    local p, isOnly = cell[2], true
    for other in pairs(cell.v) do isOnly = isOnly and other == kind end
    for i = 1, 2 do
        if cell[i] then
            bookMade(cell[i], made[i])
            if held then held[i + 2] = held[i + 2] + made[i] end
        end
    end
    if p and tonumber(after) then readFigure(p, tonumber(used), tonumber(age), tonumber(after), isOnly) end
    return made, held
end

-- Lets the classes of a tenant that wait for their budget look again.
local function wakeBudgets(t, tenant)
    local controls = t.controls
    if not controls then return end
    for c = 0, 2 do
        if sub(controls['v' .. c] or '', 1, 7) == 'budget:' then
            controls['u' .. c], controls['v' .. c] = nil, nil
            if t[c + 1] == PARKED then
                call('ZREM', PARK, tenant .. ',' .. c)
                restand(t, tenant, c)
            end
        end
    end
end

-- Gives a run's reservation back. `spent`: text of what it called; nil counts all of it as spent (it may have died in the
-- middle of its calls), false none.
endReservation = function(t, tenant, kind, spent)
    local cell = cellOf(tenant)
    if not cell then return end
    local made, held = nil, cell.v[kind]
    if spent then made, held = spend(cell, kind, spent) end
    if not held then return end
    cell.v[kind] = nil
    for i = 1, 2 do
        local p = cell[i]
        if p then
            p.r = math.max(0, p.r - held[i])
            if made then
                learn(p, kind, 10 * held[i + 2])
            elseif spent == nil and held[i] > 0 then
                -- Its worker may not know yet that it is dead.
                book(p, held[i], now + ZOMBIE)
                p.s, p.d, p.dt = p.s + held[i], p.d + held[i], now
            end
            p.lo = now
        end
    end
    wakeBudgets(t, tenant)
end

-- MARK: reserving

local function capacity(p, c) return math.ceil(p.l * PART[c] / 100) end

-- Calls that runs of a class may still reserve, and what bounds them.
local function room(p, c)
    local left, bound = capacity(p, c) - p.n - p.r, 'allowance'
    if p.w and p.w - p.n - p.r < left then left, bound = p.w - p.n - p.r, 'proof' end
    if p.o and p.h then
        local org = p.o - p.h - p.s - p.r
        if org < left then left, bound = org, 'ceiling' end
    end
    return left, bound
end

-- When so many calls more will be there.
local function returnsAt(p, bound, missing)
    if bound == 'ceiling' then
        p.q = p.q or PROBE
        return math.max(p.ht, p.pt or 0) + p.q
    end
    if bound == 'proof' then return p.wu end
    local quarters = {}
    for quarter in pairs(p.b) do quarters[#quarters + 1] = quarter end
    table.sort(quarters)
    for _, quarter in ipairs(quarters) do
        missing = missing - p.b[quarter]
        if missing <= 0 then return (quarter + KEPT) * QUARTER end
    end
    -- The rest is held by runs, and looked at when they end.
    return now + 60000
end

-- Whether a purse has `need` calls for a class: nil, or when it will have and what bounds it. The org's use is known only
-- by its answers, so where that is what bounds, one run goes and sees once it has waited.
local function shortage(p, c, need)
    local left, bound = room(p, c)
    if left >= need then return nil end
    local at = returnsAt(p, bound, need - left)
    if bound == 'ceiling' and at <= now and p.r == 0 and capacity(p, c) - p.n >= 1 then return nil, nil, 1 end
    return math.max(at, now + 1000), bound
end

local function needOf(p, c, kind)
    local tenths = p.e[kind] or 10
    return math.max(1, math.min(math.ceil(tenths / 10), FIRST_GRANT, capacity(p, c)))
end

-- Percent of a tenant's allowance that is used, of the provider where it is most.
local function percent(cell)
    local most = 0
    for i = 1, 2 do
        local p = cell[i]
        if p then most = math.max(most, math.floor(100 * (p.n + p.r) / p.l)) end
    end
    return math.min(most, 999)
end

-- Reserves calls for a run. Returns what is added to its lease: reserved of each provider (-1: no budget) and percent used;
-- or false, when to come back, and why.
local function reserve(tenant, c, kind)
    local cell = cellOf(tenant)
    if not cell then return '' end
    local needs, wake, why, used = { -1, -1 }, 0, nil, percent(cell)
    for i = 1, 2 do
        local p = cell[i]
        if p then
            local need = needOf(p, c, kind)
            local at, bound, probe = shortage(p, c, need)
            if at and at > wake then
                wake = at
                why = 'budget: ' .. NAMES[i] .. ' ' .. bound .. (bound == 'allowance' and ' ' .. PART[c] .. ' %' or '')
            end
            needs[i] = probe or need
            if probe and not at then
                p.q, p.pt = math.min(2 * p.q, LAST_PROBE), now
            end
        end
    end
    if why then return false, wake, why end
    local held = { 0, 0, 0, 0 }
    for i = 1, 2 do
        if cell[i] then
            held[i] = needs[i]
            cell[i].r = cell[i].r + needs[i]
        end
    end
    cell.v[kind] = held
    return ',' .. whole(needs[1]) .. ',' .. whole(needs[2]) .. ',' .. whole(used)
end
