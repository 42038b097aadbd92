-- Budgets: what a tenant's calls to its providers may come to. Stands between shard.lua and the scripts that need it.
--
--   S:b  HASH  tenant -> cell (msgpack); only tenants with a budget have one, and a flag of their record says so, so that
--              all others stay on the short way
-- cell:  [1] purse for ActiveCampaign, [2] for Salesforce, v: kind -> what its run holds (four numbers: reserved of each,
--        settled so far of each)
-- purse: l calls allowed in any 24 hours, n spent in them, r reserved by runs, b quarter of an hour -> calls spent in it,
--        x the same of calls that nobody saw: runs which died may have made them; d their sum, dt when the last one died;
--        e kind -> tenths of calls its runs take; o the most the whole org may have used, h, ht its own figure and when that was asked for, s calls of ours since,
--        lo when a run ended last, q, pt how long to wait for the org's next figure, and since when;
--        w, wu after a loss: the most that may be spent before a figure proves more, and until when
--
-- A call is booked when it is settled, which is later than it was made, and a quarter leaves the window when all of it
-- has: every error counts against us, less than an hour of a day.
-- A day of quarters, the one that has begun, and one for clocks that differ or step.
local CELLS, QUARTER, KEPT, DAY = S .. ':b', 900000, 98, 86400000
-- How much later than it was made a call is booked at most: at the end of its run, or of the ledger's hour.
local LATEST = 4500000
-- Percent of the allowance that each class may use: back-fills stop first. What else stops before all is used, the runs
-- decide themselves: only they know what their calls are for.
local PART = { [0] = 100, 100, 60 }
local NAMES = { 'ActiveCampaign', 'Salesforce' }
-- Calls that a run is given at most before it asks for more; kinds of job whose runs are averaged.
local FIRST_GRANT, KINDS = 32, 8
-- How long a dead worker's run may go on calling: it is stopped when it takes longer than this anyway.
local ZOMBIE = 1800000
-- How long ago the last run has ended, at least, when a figure is to prove that calls were not made.
local SETTLED = 10000
-- How long a restored purse waits for a figure, at most.
local LEARNING = 3600000
-- Waits for the org's next figure, which only a call brings: doubling.
local PROBE, LAST_PROBE = 300000, 3600000
local cells = {}

-- Drops the quarters that left the window. Those further off than a day are of a clock that was ahead: they leave a day
-- after this one would have. Returns the calls that left.
local function rollQuarters(quarters)
    local oldest, last = math.floor(now / QUARTER) - KEPT, math.floor((now + DAY) / QUARTER)
    local gone, late = 0, 0
    for quarter, calls in pairs(quarters) do
        if quarter <= oldest then
            quarters[quarter], gone = nil, gone + calls
        elseif quarter > last then
            quarters[quarter], late = nil, late + calls
        end
    end
    if late > 0 then quarters[last] = (quarters[last] or 0) + late end
    return gone
end

local function rollPurse(p)
    -- A purse of an older version has no quarters of the dead: what they may have made is spent.
    if not p.x then p.x, p.d = {}, 0 end
    local unknown = rollQuarters(p.x)
    p.d, p.n = p.d - unknown, p.n - unknown - rollQuarters(p.b)
    -- Instants that have not come yet are of a clock that was ahead.
    p.ht, p.pt = p.ht and math.min(p.ht, now), p.pt and math.min(p.pt, now)
    p.lo, p.dt = math.min(p.lo, now), math.min(p.dt, now)
    if p.w and (now >= p.wu or p.wu > now + LEARNING + QUARTER) then p.w, p.wu = nil, nil end
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

local function add(quarters, calls, at)
    if calls <= 0 then return end
    local quarter = math.floor(at / QUARTER)
    quarters[quarter] = (quarters[quarter] or 0) + calls
end

local function book(p, calls, at)
    add(p.b, calls, at)
    p.n = p.n + calls
end

-- Calls that may have been made, and may still be: a dead worker may not know yet that it is dead.
local function bookUnknown(p, calls)
    add(p.x, calls, now + ZOMBIE)
    p.n, p.d, p.dt = p.n + calls, p.d + calls, now
end

local function sorted(quarters)
    local list = {}
    for quarter in pairs(quarters) do list[#list + 1] = quarter end
    table.sort(list)
    return list
end

-- Gives back what the dead can't have called: of the org's figure all that is known to be ours is not theirs. Which of
-- them called the rest nobody knows, so it stays where it counts longest. What was booked before the figure's day, or may
-- have been made before it, is not known to be in it.
local function giveUnknownBack(p, at, used, after)
    local first, seen = math.floor((at - DAY + LATEST) / QUARTER) + 1, -after
    for quarter, calls in pairs(p.b) do
        if quarter >= first then seen = seen + calls end
    end
    local over = p.d - math.max(0, used - math.max(0, seen))
    for _, quarter in ipairs(sorted(p.x)) do
        if over <= 0 then return end
        local part = math.min(over, p.x[quarter])
        p.x[quarter] = part < p.x[quarter] and p.x[quarter] - part or nil
        p.n, p.d, over = p.n - part, p.d - part, over - part
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
    if p.d > 0 and isOnly and at > p.lo + SETTLED and at > p.dt + ZOMBIE + QUARTER then giveUnknownBack(p, at, used, after) end
    p.w, p.wu = nil, nil
    if p.o and p.o - p.h - p.s > 0 then p.q, p.pt = nil, nil end
end

-- Averages what runs of a kind take.
local function learn(p, kind, tenths)
    local old, count = p.e[kind], 0
    for _ in pairs(p.e) do count = count + 1 end
    if old or count < KINDS then p.e[kind] = old and math.ceil((3 * old + tenths) / 4) or tenths end
end

-- Counts what a run has called. `text`: all its calls to ActiveCampaign and to Salesforce, so that a word that comes twice
-- counts once, and, when there was a figure, the org's use, its age, and the calls made after it. Returns the calls that are
-- new, and what the run holds.
local function spend(cell, kind, text)
    local a, s, used, age, after = match(text, '^(%d+),(%d+),?(%d*),?(%d*),?(%d*)$')
    local made, held = { tonumber(a) or 0, tonumber(s) or 0 }, cell.v[kind]
    local p, isOnly = cell[2], true
    for other in pairs(cell.v) do isOnly = isOnly and other == kind end
    for i = 1, 2 do
        if cell[i] then
            if held then
                made[i] = math.max(0, made[i] - held[i + 2])
                held[i + 2] = held[i + 2] + made[i]
            end
            bookMade(cell[i], made[i])
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
                bookUnknown(p, held[i])
                p.s = p.s + held[i]
            end
            p.lo = now
        end
    end
    wakeBudgets(t, tenant)
end

-- MARK: reserving

local function capacity(p, c) return math.ceil(p.l * PART[c] / 100) end

-- Calls that runs of a class may still reserve.
local function room(p, c)
    local left = capacity(p, c) - p.n - p.r
    if p.w then left = math.min(left, p.w - p.n - p.r) end
    if p.o and p.h then left = math.min(left, p.o - p.h - p.s - p.r) end
    return left
end

-- When one run may go and see what the org's use is by now.
local function probesAt(p)
    p.q = p.q or PROBE
    return math.max(p.ht, p.pt or 0) + p.q
end

-- When so many calls more will be there. What runs hold is looked at when they end.
local function returnsAt(p, bound, missing)
    if bound == 'proof' then return p.wu end
    if bound == 'ceiling' then
        local at = probesAt(p)
        return at > now and at or now + 60000
    end
    local all = {}
    for quarter, calls in pairs(p.b) do all[quarter] = calls end
    for quarter, calls in pairs(p.x) do all[quarter] = (all[quarter] or 0) + calls end
    for _, quarter in ipairs(sorted(all)) do
        missing = missing - all[quarter]
        if missing <= 0 then return (quarter + KEPT) * QUARTER end
    end
    return now + 60000
end

-- The later of an instant and that at which a bound has what is missing, and which bound it is.
local function later(p, bound, missing, at, why)
    if missing <= 0 then return at, why end
    local back = returnsAt(p, bound, missing)
    if at and at >= back then return at, why end
    return back, bound
end

-- When a purse will have `need` calls for a class by all that bounds it, and what does longest; nil: now.
local function waitFor(p, c, need)
    local at, why = later(p, 'allowance', need - capacity(p, c) + p.n + p.r)
    if p.w then at, why = later(p, 'proof', need - p.w + p.n + p.r, at, why) end
    if p.o and p.h then at, why = later(p, 'ceiling', need - p.o + p.h + p.s + p.r, at, why) end
    return at and math.max(at, now + 1000), why
end

-- Whether a purse has `need` calls for a class: nil, or when it will have and what bounds it. The org's use is known only
-- by its answers, so where that is what bounds, one run goes and sees once it has waited: the third value.
local function shortage(p, c, need)
    if room(p, c) >= need then return nil end
    local isCeiling = p.o and p.h and p.o - p.h - p.s - p.r < need
    local free = math.min(capacity(p, c), p.w or p.l) - p.n
    if isCeiling and p.r == 0 and free >= 1 and probesAt(p) <= now then return nil, nil, 1 end
    return waitFor(p, c, need)
end

local function probe(p) p.q, p.pt = math.min(2 * p.q, LAST_PROBE), now end

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
    local needs, wake, why, used, probing = { -1, -1 }, 0, nil, percent(cell), nil
    for i = 1, 2 do
        local p = cell[i]
        if p then
            local need = needOf(p, c, kind)
            local at, bound, one = shortage(p, c, need)
            if at and at > wake then
                wake = at
                why = 'budget: ' .. NAMES[i] .. ' ' .. bound .. (bound == 'allowance' and ' ' .. PART[c] .. ' %' or '')
            end
            needs[i] = one or need
            if one then probing = p end
        end
    end
    if why then return false, wake, why end
    if probing then probe(probing) end
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
