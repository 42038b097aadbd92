-- Budgets: what a tenant's calls to its providers may come to. Stands between shard.lua and the scripts that need it.
--
--   S:b  HASH  tenant -> cell (binary, see packCell); only tenants with a budget have one, and a flag of their record says
--              so, so that all others stay on the short way
-- cell:  [1] purse for ActiveCampaign, [2] for Salesforce, v: kind -> what its run holds (four numbers: reserved of each,
--        settled so far of each)
-- purse: l calls allowed in any 24 hours, n spent in them, r reserved by runs, b calls spent by quarters of an hour,
--        x the same of calls that nobody saw: runs which died may have made them; d their sum, dt when the last one died;
--        e kind -> tenths of calls its runs take; o the most the whole org may have used, h, ht its own figure and when
--        that was asked for, s calls of ours since, lo when a run ended last, q, pt how long to wait for the org's next
--        figure, and since when; w, wu after a loss: the most that may be spent before a figure proves more, and until when
--
-- quarters: a text: the first and the last quarter, three bytes each, then for each in order what it is after the one before
--        it, and its calls in two bytes; one with more calls comes again. It is read apart only where it must be: the day of
--        a busy tenant has a hundred of them.
-- pocket: calls reserved in advance for runs of one kind that come one after the other, so that most leases and
--        settlements touch the tenant's record only. It is there as long as nothing is scarce and nothing else of the
--        tenant's runs: whatever looks at the purse empties the pocket into it first (`fold`). See `fill`.
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

-- MARK: quarters of an hour

-- Lua bears 200 local names: what only one part needs stands in a block of its own.
local quartersOf, sorted, textOf, rollQuarters, add
do
    -- Quarter -> calls.
    quartersOf = function(text)
        local quarters = {}
        if text == '' then return quarters end
        local quarter = three(byte(text, 1, 3))
        for at = 7, #text, 3 do
            local gap, high, low = byte(text, at, at + 2)
            quarter = quarter + gap
            quarters[quarter] = (quarters[quarter] or 0) + high * 256 + low
        end
        return quarters
    end

    sorted = function(quarters)
        local list = {}
        for quarter in pairs(quarters) do list[#list + 1] = quarter end
        table.sort(list)
        return list
    end

    textOf = function(quarters)
        local list, entries = sorted(quarters), {}
        if not list[1] then return '' end
        local before = list[1]
        for _, quarter in ipairs(list) do
            local left = quarters[quarter]
            repeat
                local part = math.min(left, 65535)
                local gap = math.min(quarter - before, 255)
                -- Quarters further apart than a byte says are of a clock that was ahead, and leave at the next roll.
                if before + gap < quarter then part = 0 end
                entries[#entries + 1] = char(gap, math.floor(part / 256), part % 256)
                before, left = before + gap, left - part
            until left == 0 and before == quarter
        end
        return bytes3(list[1]) .. bytes3(list[#list]) .. table.concat(entries)
    end

    -- Drops the quarters that left the window. Those further off than a day are of a clock that was ahead: they leave a day
    -- after this one would have. Returns the rest and the calls that left.
    rollQuarters = function(text)
        if text == '' then return text, 0 end
        local oldest, newest = math.floor(now / QUARTER) - KEPT, math.floor((now + DAY) / QUARTER)
        local a, b, c, d, e, f = byte(text, 1, 6)
        if three(a, b, c) > oldest and three(d, e, f) <= newest then return text, 0 end
        local quarters, gone, late = quartersOf(text), 0, 0
        for quarter, calls in pairs(quarters) do
            if quarter <= oldest then
                quarters[quarter], gone = nil, gone + calls
            elseif quarter > newest then
                quarters[quarter], late = nil, late + calls
            end
        end
        if late > 0 then quarters[newest] = (quarters[newest] or 0) + late end
        return textOf(quarters), gone
    end

    -- Quarters with so many calls more at an instant.
    add = function(text, calls, at)
        if calls <= 0 then return text end
        local quarter = math.floor(at / QUARTER)
        if text ~= '' and calls < 65536 then
            local last = three(byte(text, 4, 6))
            if quarter == last then
                local high, low = byte(text, -2, -1)
                local all = high * 256 + low + calls
                if all < 65536 then return sub(text, 1, -3) .. char((all - all % 256) / 256, all % 256) end
            elseif quarter > last and quarter - last < 256 then
                return sub(text, 1, 3) .. bytes3(quarter) .. sub(text, 7)
                    .. char(quarter - last, (calls - calls % 256) / 256, calls % 256)
            end
        end
        local quarters = quartersOf(text)
        quarters[quarter] = (quarters[quarter] or 0) + calls
        return textOf(quarters)
    end
end

local function rollPurse(p)
    local spent, unknown
    p.b, spent = rollQuarters(p.b)
    p.x, unknown = rollQuarters(p.x)
    p.d, p.n = p.d - unknown, p.n - unknown - spent
    -- Instants that have not come yet are of a clock that was ahead.
    p.ht, p.pt = p.ht and math.min(p.ht, now), p.pt and math.min(p.pt, now)
    p.lo, p.dt = math.min(p.lo, now), math.min(p.dt, now)
    if p.w and (now >= p.wu or p.wu > now + LEARNING + QUARTER) then p.w, p.wu = nil, nil end
end

-- MARK: cells as bytes

local packCell, unpackCell
do
    local PURSE, NOTHING = '>I4I4I4I4I4I6I6B', 4294967295
    local function count4(number) return math.max(0, math.min(number, NOTHING)) end

    local function packPurse(p)
        local flags, more, kinds, count = 0, '', '', 0
        if p.o then flags, more = 1, struct.pack('>I4', count4(p.o)) end
        if p.ht then flags, more = flags + 2, more .. struct.pack('>I4I6', count4(p.h), p.ht) end
        if p.q then flags, more = flags + 4, more .. struct.pack('>I4I6', p.q, p.pt or 0) end
        if p.w then flags, more = flags + 8, more .. struct.pack('>I4I6', count4(p.w), p.wu) end
        for kind, tenths in pairs(p.e) do
            kinds, count = kinds .. char(#kind) .. kind .. struct.pack('>I4', count4(tenths)), count + 1
        end
        return struct.pack(PURSE, p.l, count4(p.n), count4(p.r), count4(p.d), count4(p.s), p.dt, p.lo, flags) .. more
            .. char(count) .. kinds .. struct.pack('>I3', #p.b) .. p.b .. struct.pack('>I3', #p.x) .. p.x
    end

    local function unpackPurse(text, at)
        local l, n, r, d, s, dt, lo, flags, count
        l, n, r, d, s, dt, lo, flags, at = struct.unpack(PURSE, text, at)
        local p = { l = l, n = n, r = r, d = d, s = s, dt = dt, lo = lo, e = {} }
        if flags % 2 == 1 then p.o, at = struct.unpack('>I4', text, at) end
        if flags % 4 >= 2 then p.h, p.ht, at = struct.unpack('>I4I6', text, at) end
        if flags % 8 >= 4 then
            p.q, p.pt, at = struct.unpack('>I4I6', text, at)
            if p.pt == 0 then p.pt = nil end
        end
        if flags >= 8 then p.w, p.wu, at = struct.unpack('>I4I6', text, at) end
        count, at = byte(text, at), at + 1
        for _ = 1, count do
            local last = at + byte(text, at)
            p.e[sub(text, at + 1, last)], at = struct.unpack('>I4', text, last + 1)
        end
        local bytes = struct.unpack('>I3', text, at)
        p.b, at = sub(text, at + 3, at + 2 + bytes), at + 3 + bytes
        bytes = struct.unpack('>I3', text, at)
        p.x, at = sub(text, at + 3, at + 2 + bytes), at + 3 + bytes
        return p, at
    end

    packCell = function(cell)
        local text, count = '', 0
        for kind, held in pairs(cell.v) do
            text, count = text .. char(#kind) .. kind .. struct.pack('>I4I4I4I4', unpack(held)), count + 1
        end
        -- A tenant's jobs that did not fit into its record may be many at once.
        text = struct.pack('>BI4', (cell[1] and 1 or 0) + (cell[2] and 2 or 0), count) .. text
        for i = 1, 2 do
            if cell[i] then text = text .. packPurse(cell[i]) end
        end
        return text
    end

    unpackCell = function(text)
        local sides, count, at = struct.unpack('>BI4', text)
        local cell = { false, false, v = {} }
        for _ = 1, count do
            local last = at + byte(text, at)
            local kind, a, b, c, d = sub(text, at + 1, last)
            a, b, c, d, at = struct.unpack('>I4I4I4I4', text, last + 1)
            cell.v[kind] = { a, b, c, d }
        end
        if sides % 2 == 1 then cell[1], at = unpackPurse(text, at) end
        if sides >= 2 then cell[2] = unpackPurse(text, at) end
        return cell
    end
end

local function take(tenant, packed)
    local cell = packed and unpackCell(packed) or false
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
        local flags = record and byte(record) or 0
        -- Of a tenant with a pocket most look no further.
        if flags % 8 >= 4 and flags < 8 and cells[names[i]] == nil then
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
            set[count + 1], set[count + 2] = tenant, packCell(cell)
            count = count + 2
        end
    end
    if count > 0 then call('HSET', CELLS, unpack(set)) end
end

-- MARK: spending

local function book(p, calls, at)
    p.b, p.n = add(p.b, calls, at), p.n + calls
end

-- Calls that may have been made, and may still be: a dead worker may not know yet that it is dead.
local function bookUnknown(p, calls)
    p.x = add(p.x, calls, now + ZOMBIE)
    p.n, p.d, p.dt = p.n + calls, p.d + calls, now
end

-- Gives back what the dead can't have called: of the org's figure all that is known to be ours is not theirs. Which of
-- them called the rest nobody knows, so it stays where it counts longest. What was booked before the figure's day, or may
-- have been made before it, is not known to be in it.
local function giveUnknownBack(p, at, used, after)
    local first, seen = math.floor((at - DAY + LATEST) / QUARTER) + 1, -after
    for quarter, calls in pairs(quartersOf(p.b)) do
        if quarter >= first then seen = seen + calls end
    end
    local over, unknown = p.d - math.max(0, used - math.max(0, seen)), quartersOf(p.x)
    for _, quarter in ipairs(sorted(unknown)) do
        if over <= 0 then break end
        local part = math.min(over, unknown[quarter])
        unknown[quarter] = part < unknown[quarter] and unknown[quarter] - part or nil
        p.n, p.d, over = p.n - part, p.d - part, over - part
    end
    p.x = textOf(unknown)
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

-- Whether what runs of a kind take is averaged.
local function isKnown(p, kind)
    if p.e[kind] then return true end
    local count = 0
    for _ in pairs(p.e) do count = count + 1 end
    return count < KINDS
end

-- The average once a run has taken so many tenths; nil before the first.
local function averaged(old, tenths)
    if not old then return tenths end
    local fourfold = 3 * old + tenths + 3
    return (fourfold - fourfold % 4) / 4
end

local function learn(p, kind, tenths)
    if isKnown(p, kind) then p.e[kind] = averaged(p.e[kind], tenths) end
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

-- MARK: how much there is

local function capacity(p, c) return math.ceil(p.l * PART[c] / 100) end

-- Calls that runs of a class may still reserve.
local function room(p, c)
    local left = capacity(p, c) - p.n - p.r
    if p.w then left = math.min(left, p.w - p.n - p.r) end
    if p.o and p.h then left = math.min(left, p.o - p.h - p.s - p.r) end
    return left
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

-- MARK: the pocket

local drawn, returned, figureFrom, fill, draw, putBack
do
    -- Bytes: of each provider calls that are there, and calls that were made since it was filled; of each provider in two bytes
    -- the tenths of calls its runs take; in two bytes when one ended last, and in three the quarter it was filled in.
    local NO_PURSE, UNLEARNED, MOST_TENTHS, UNENDED = 65534, 65535, 60000, 65535
    -- Runs it is filled for and calls at most; quarters of an hour it is good for; ms of a step in which ends are told, a part of
    -- a quarter, and how many of them one has.
    local POCKET_RUNS, POCKET_CALLS, POCKET_LIFE, END_STEP, STEPS = 8, 240, 4, 60, 15000
    -- How old the org's figure may be while nothing is scarce, and the part of its ceiling in use from which each is wanted.
    local FIGURE_LIFE, WANTED_FROM = 3600000, 0.75
    local THIS_QUARTER = math.floor(now / QUARTER)
    local THIS_STEP = math.floor((now - THIS_QUARTER * QUARTER) / END_STEP)
    -- What was worked out before: most tenants are alike.
    local needs, texts = { [NO_PURSE] = 0, [UNLEARNED] = 1 }, {}

    -- Calls that a run of such tenths is given.
    local function needFor(tenths)
        local need = needs[tenths]
        if not need then
            need = math.max(1, math.min(math.ceil(tenths / 10), FIRST_GRANT))
            needs[tenths] = need
        end
        return need
    end

    -- The text of what a run is given: -1 where there is no purse.
    local function toldOf(tenths1, tenths2, n1, n2)
        if tenths1 == NO_PURSE then n1 = -1 end
        if tenths2 == NO_PURSE then n2 = -1 end
        local text = texts[n1 * 64 + n2]
        if not text then
            text = ',' .. whole(n1) .. ',' .. whole(n2)
            texts[n1 * 64 + n2] = text
        end
        return text
    end

    -- The first four bytes of a pocket once a run has begun, and what the run is told of its calls; nil: it does not suffice.
    drawn = function(record, at)
        local a1, m1, a2, m2, e1, f1, e2, f2, _, _, q1, q2, q3 = byte(record, at, at + 12)
        local age = THIS_QUARTER - q1 * 65536 - q2 * 256 - q3
        if age < 0 or age >= POCKET_LIFE then return nil end
        local tenths1, tenths2 = e1 * 256 + f1, e2 * 256 + f2
        local n1, n2 = needFor(tenths1), needFor(tenths2)
        if a1 < n1 or a2 < n2 then return nil end
        return char(a1 - n1, m1, a2 - n2, m2), toldOf(tenths1, tenths2, n1, n2)
    end

    local function learned(tenths, made)
        if tenths == NO_PURSE then return tenths end
        return averaged(tenths ~= UNLEARNED and tenths or nil, 10 * made)
    end

    -- The first ten bytes of a pocket once its run has ended, having called so much (nil: it never began); nil: the purse has to
    -- be asked. What was called through a pocket is of one quarter of an hour, so that it is booked in the right one.
    returned = function(record, at, made1, made2)
        local a1, m1, a2, m2, e1, f1, e2, f2, x1, x2, q1, q2, q3 = byte(record, at, at + 12)
        local age = THIS_QUARTER - q1 * 65536 - q2 * 256 - q3
        local ended, x = age * STEPS + THIS_STEP, x1 * 256 + x2
        if age < 0 or ended >= UNENDED then return nil end
        if m1 + m2 > 0 and x - x % STEPS ~= age * STEPS then return nil end
        local tenths1, tenths2 = e1 * 256 + f1, e2 * 256 + f2
        local n1, n2 = needFor(tenths1), needFor(tenths2)
        if made1 then
            if tenths1 == NO_PURSE then made1 = 0 end
            if tenths2 == NO_PURSE then made2 = 0 end
            if made1 > n1 or made2 > n2 then return nil end
            tenths1, tenths2 = learned(tenths1, made1), learned(tenths2, made2)
            f1, f2 = tenths1 % 256, tenths2 % 256
            e1, e2 = (tenths1 - f1) / 256, (tenths2 - f2) / 256
        else
            made1, made2 = 0, 0
        end
        x2 = ended % 256
        return char(
            a1 + n1 - made1, m1 + made1, a2 + n2 - made2, m2 + made2, e1, f1, e2, f2, (ended - x2) / 256, x2)
    end

    -- Empties a tenant's pocket into its purses, as if all had gone by them.
    fold = function(t, tenant)
        local pocket, isOut = t.pocket, t.isOut
        if not pocket then return end
        t.pocket, t.isOut, changed[tenant] = nil, nil, true
        local cell = cellOf(tenant)
        if not cell then return end
        local a1, m1, a2, m2, e1, f1, e2, f2, x1, x2, q1, q2, q3 = byte(pocket, 1, 13)
        local kind = match(pocket, '^([^\t]*)\t', POCKET_BYTES + 1)
        local have, made, tenths = { a1, a2 }, { m1, m2 }, { e1 * 256 + f1, e2 * 256 + f2 }
        local x, held = x1 * 256 + x2, { 0, 0, 0, 0 }
        local ended = math.min(now, three(q1, q2, q3) * QUARTER + (x + 1) * END_STEP - 1)
        for i = 1, 2 do
            local p = cell[i]
            if p and tenths[i] ~= NO_PURSE then
                p.r = math.max(0, p.r - have[i] - made[i])
                held[i] = isOut and needFor(tenths[i]) or 0
                if x ~= UNENDED then
                    book(p, made[i], ended)
                    p.s, p.lo = p.s + made[i], math.max(p.lo, ended)
                end
                if tenths[i] ~= UNLEARNED then p.e[kind] = tenths[i] end
                -- A pocket that lay about for a day says what has left the window already.
                rollPurse(p)
            end
        end
        if isOut then cell.v[kind] = held end
    end

    -- Whether a purse has so much to spare that the next few runs need not ask it: back-fills run, and the org is far from its
    -- ceiling.
    local function isAmple(p, calls)
        if p.w or room(p, 2) < 2 * calls then return false end
        return not p.o or p.h ~= nil and p.o - p.h - p.s - p.r >= math.max(2 * calls, p.o * (1 - WANTED_FROM))
    end

    -- From which use of the org on its figure is wanted: 0 from any, -1 never.
    figureFrom = function(cell)
        local p = cell[2]
        if not p then return -1 end
        if p.w or p.d > 0 or not p.ht or now - p.ht >= FIGURE_LIFE then return 0 end
        if not p.o then return -1 end
        local from = math.floor(p.o * WANTED_FROM)
        return p.h + p.s + p.r < from and from or 0
    end

    -- Reserves calls for the next few runs of a kind, where nothing is scarce and no run is under way.
    fill = function(t, tenant, cell, kind)
        if t.pocket or t.controls and next(t.controls) or next(cell.v) then return end
        local amounts, tenths = { 0, 0 }, { NO_PURSE, NO_PURSE }
        for i = 1, 2 do
            local p = cell[i]
            if p then
                local own = p.e[kind]
                if not isKnown(p, kind) or own and own > MOST_TENTHS then return end
                tenths[i] = own or UNLEARNED
                amounts[i] = math.min(POCKET_RUNS * needFor(tenths[i]), POCKET_CALLS)
                if not isAmple(p, amounts[i]) then return end
            end
        end
        for i = 1, 2 do
            if cell[i] then cell[i].r = cell[i].r + amounts[i] end
        end
        t.pocket = char(
            amounts[1], 0, amounts[2], 0, math.floor(tenths[1] / 256), tenths[1] % 256, math.floor(tenths[2] / 256),
            tenths[2] % 256, 255, 255) .. bytes3(THIS_QUARTER) .. kind
            .. '\t,' .. whole(percent(cell)) .. ',' .. whole(figureFrom(cell))
        changed[tenant] = true
    end

    -- Takes the calls of a run from the pocket; nil: the purse has to be asked.
    draw = function(t, c, kind)
        local pocket = t.pocket
        if not pocket or t.isOut or c == 2 or t.controls and next(t.controls) then return nil end
        local own, told = match(pocket, '^([^\t]*)\t(.*)$', POCKET_BYTES + 1)
        if own ~= kind then return nil end
        local bytes, needs = drawn(pocket, 1)
        if not bytes then return nil end
        t.pocket, t.isOut = bytes .. sub(pocket, 5), true
        return needs .. told
    end

    -- Ends the run that is out of the pocket; false: the purse has to be asked.
    putBack = function(t, tenant, kind, spent)
        local pocket = t.pocket
        if not t.isOut or spent == nil or t.controls and next(t.controls) then return false end
        if match(pocket, '^([^\t]*)\t', POCKET_BYTES + 1) ~= kind then return false end
        local made1, made2
        if spent then
            made1, made2 = match(spent, '^(%d+),(%d+)$')
            if not made1 then return false end
        end
        local bytes = returned(pocket, 1, tonumber(made1), tonumber(made2))
        if not bytes then return false end
        t.pocket, t.isOut, changed[tenant] = bytes .. sub(pocket, 11), nil, true
        return true
    end
end

-- Gives a run's reservation back. `spent`: text of what it called; nil counts all of it as spent (it may have died in the
-- middle of its calls), false none.
endReservation = function(t, tenant, kind, spent)
    if t.pocket then
        if putBack(t, tenant, kind, spent) then return end
        fold(t, tenant)
    end
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
    if made then fill(t, tenant, cell, kind) end
end

-- MARK: reserving

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
    local all = quartersOf(p.b)
    for quarter, calls in pairs(quartersOf(p.x)) do all[quarter] = (all[quarter] or 0) + calls end
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

-- Reserves calls for a run. Returns what is added to its lease: reserved of each provider (-1: no budget), percent used, and
-- from which use of the org on its figure is wanted (0 from any, -1 never); or false, when to come back, and why.
local function reserve(t, tenant, c, kind)
    local told = draw(t, c, kind)
    if told then return told end
    fold(t, tenant)
    local cell = cellOf(tenant)
    if not cell then return '' end
    if c ~= 2 then
        fill(t, tenant, cell, kind)
        told = draw(t, c, kind)
        if told then return told end
    end
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
    return ',' .. whole(needs[1]) .. ',' .. whole(needs[2]) .. ',' .. whole(used) .. ',' .. whole(figureFrom(cell))
end
