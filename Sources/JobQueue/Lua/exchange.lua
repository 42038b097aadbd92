-- Settles finished jobs and leases new ones: the one call of a busy worker.
-- ARGV[3] worker, [4] lease ms, [5] lowest seq to go on from, [6] quantum, [7] jobs wanted, [8] attempts a job has,
-- [9] how many leases are done, [10] for the last of them what they called, two bytes each: to ActiveCampaign, to Salesforce;
-- then these leases, then five for every other settlement: lease, outcome, delay ms, code, and what it called ('' when it does
-- not say; see purse.lua). Outcomes: D done, A again, R retry, X dead, U returned.
-- Returns: one letter a settlement (a accepted, b accepted and buried, s stale), ms until something falls due (-1:
-- nothing will), whether work is left, seq, then the leases as one text, two lines each: the lease, and
-- class,cost,attempt,deaths,enqueued and, of a tenant with a budget, what `reserve` says.
local WORKER, LEASE, QUANTUM, WANTED, ATTEMPTS, DONE, CALLED =
    ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10]
local FIRST = 11
-- Bounds of one call: due jobs and parked tenants looked at, visits beyond the jobs wanted.
local PROMOTE, UNPARK, SPARE_VISITS = 64, 32, 32
local SHARE = { [0] = 8, 4, 1 }
local OWN = S .. ':own:' .. WORKER

-- MARK: settling

-- Ends a run that was not simply done.
local function settle(t, tenant, kind, state, outcome, delay, code)
    local c, cost, attempt, deaths, enqueued, class, asked = readRun(state)
    local fresh = ',' .. cost .. ',0,0,' .. NOW
    if outcome == 'D' then
        if class then put(t, tenant, class, kind, asked, fresh) end
        return 'a'
    end
    if class and class < c then c = class end
    if outcome == 'A' then
        put(t, tenant, c, kind, math.min(now + delay, asked or now + delay), fresh)
        return 'a'
    end
    local rest = ',' .. deaths .. ',' .. enqueued
    if outcome == 'U' then
        push(t, tenant, c, kind, ',' .. cost .. ',' .. attempt .. rest)
        return 'a'
    end
    local meta = ',' .. cost .. ',' .. whole(attempt + 1) .. rest
    if outcome == 'X' or attempt + 1 >= ATTEMPTS then
        bury(t, tenant, c, kind, meta, code)
        return 'b'
    end
    put(t, tenant, c, kind, now + delay, meta)
    return 'a'
end

-- Ends one run of a tenant that has more than this job; DONE ones need no settling unless they were asked for again.
local function endRun(tenant, record, kind, outcome, delay, code, spent)
    local t = tenants[tenant] or decode(record)
    tenants[tenant] = t
    local letter, state = release(t, tenant, kind, outcome == 'D', spent)
    if not letter then return 's' end
    if not state or letter == RUNS and outcome == 'D' then return 'a' end
    return settle(t, tenant, kind, state, outcome, delay, code)
end

local LONE_RUN = '^%z\1%z\1%-%-%-\n([^\t]+)\tr[^\n]*$'

-- Ends the only run and job of a tenant with a pocket, which it is out of; false: more is to be done. What the run called
-- stands in CALLED from `at` on.
local function endPocketRun(tenant, record, kind, at)
    -- A class that still stands in a ring is seen to elsewhere.
    if sub(record, 1, 7) ~= POCKET_RUNNING then return false end
    local last = find(record, '\n', 21 + #kind, true)
    if byte(record, last + #kind + 2) ~= RUNS then return false end
    local bytes = returned(record, 8, byte(CALLED, at, at + 1))
    if not bytes then return false end
    setLone(tenant, POCKET_IDLE .. bytes .. sub(record, 18, last - 1))
    running = running - 1
    return true
end

-- What a done run called, as endReservation takes it; nil when it does not say.
local function spentOf(at)
    if at < 1 then return nil end
    local made1, made2 = byte(CALLED, at, at + 1)
    return whole(made1) .. ',' .. whole(made2)
end

local function settleAll()
    local leases, names, kinds, count = {}, {}, {}, 0
    local last = FIRST + DONE - 1
    for i = FIRST, #ARGV do
        if i <= last or (i - last) % 5 == 1 then
            count = count + 1
            leases[count] = ARGV[i]
            names[count], kinds[count] = parts(ARGV[i])
        end
    end
    if count == 0 then return '' end
    local records = call('HMGET', TENANTS, unpack(names))
    fetchCells(names, records)
    -- Only the owner's set decides: a lease that was swept, or settled before, is not there.
    local owned, distinct = call('SMISMEMBER', OWN, unpack(leases)), 0
    for i = 1, count do distinct = distinct + owned[i] end
    -- A lease that is named twice in this call does not run any more the second time, which the short way can't see.
    local isPlain = call('SREM', OWN, unpack(leases)) == distinct
    local answers = {}
    for i = 1, count do
        local tenant, kind, record = names[i], kinds[i], records[i]
        if owned[i] == 0 then
            answers[i] = 's'
        elseif i > DONE then
            local at = last + (i - DONE) * 5 - 4
            local outcome, spent = ARGV[at + 1], ARGV[at + 4]
            -- One that was handed back without a word of calls was not begun.
            if spent == '' then spent = outcome ~= 'U' and nil end
            answers[i] = endRun(tenant, record, kind, outcome, tonumber(ARGV[at + 2]), ARGV[at + 3], spent)
        else
            local flags = isPlain and not tenants[tenant] and record and byte(record)
            local at = #CALLED - 2 * (DONE - i) - 1
            if flags == 0 and match(record, LONE_RUN) == kind then
                endLone(tenant)
                running = running - 1
                answers[i] = 'a'
            elseif flags == 28 and at > 0 and endPocketRun(tenant, record, kind, at) then
                answers[i] = 'a'
            else
                answers[i] = endRun(tenant, record, kind, 'D', nil, nil, spentOf(at))
            end
        end
    end
    return table.concat(answers)
end

-- MARK: what fell due

-- Takes the first members that are due out of a sorted set, and reads their tenants.
local function takeDue(key, most)
    local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, most)
    if not due[1] then return due, due end
    call('ZREM', key, unpack(due))
    local names, rests = {}, {}
    for i = 1, #due do names[i], rests[i] = match(due[i], '^([^,]+),(.*)$') end
    fetch(names)
    return names, rests
end

local function promote()
    local names, kinds = takeDue(DELAY, PROMOTE)
    for i, tenant in ipairs(names) do
        local t, kind = tenants[tenant], kinds[i]
        local c, meta = match(peek(t, tenant, kind) or '', '^d(%d)(,%d+,%d+,%d+,%d+)')
        if c then
            remove(t, tenant, kind)
            push(t, tenant, c, kind, meta)
        end
    end
end

local function unpark()
    local names, classes = takeDue(PARK, UNPARK)
    for i, tenant in ipairs(names) do
        local c = classes[i]
        tenants[tenant][c + 1] = READY
        changed[tenant] = true
        enring(tenant, c)
    end
end

local function nextWake(key, best)
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    local wait = first and math.max(0, tonumber(first) - now)
    if not wait then return best end
    return best < 0 and wait or math.min(wait, best)
end

-- MARK: leasing

local seq = math.max(tonumber(head[2]) or 0, tonumber(ARGV[5]))
local base = tonumber(head[1]) * 1099511627776
local owned, o, leases, again = {}, 0, {}, {}
local QUEUED = {
    [0] = '\n([^\t\n]+)\tq(0[^\n]*)', '\n([^\t\n]+)\tq(1[^\n]*)', '\n([^\t\n]+)\tq(2[^\n]*)',
}
local HUNDRED = '00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051'
    .. '525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899'
local hundreds, prefix = -1, ''

-- The next token as text. Turning a number into text is slow, so the last two digits are looked up.
local function nextToken()
    seq = seq + 1
    local token = base + seq
    local low = token % 100
    if token - low ~= hundreds then
        hundreds = token - low
        prefix = sub(whole(token), 1, -3)
    end
    return prefix .. sub(HUNDRED, 2 * low + 1, 2 * low + 2)
end

-- Grants one job; `rest` is its state behind the letter, `told` what is said of it besides.
local function grant(tenant, kind, rest, told)
    local lease = nextToken() .. ',' .. tenant .. ',' .. kind
    o = o + 1
    owned[o] = lease
    leases[2 * o - 1], leases[2 * o] = lease, told and rest .. told or rest
end

-- Reserves the calls of one job. Without enough of them its class is parked; the answer is nil then.
local function allow(t, tenant, c, kind)
    local told, wake, why = reserve(t, tenant, c, kind)
    if told then return told end
    t.controls = t.controls or {}
    t.controls['u' .. c], t.controls['v' .. c] = wake, why
    return nil
end

-- The cost in a state behind its letter; one digit is read without making a text of it.
local function costOf(rest)
    return byte(rest, 4) == 44 and byte(rest, 3) - 48 or tonumber(match(rest, '^%d,(%d+)'))
end

-- The same for a tenant with a budget: one by one, until its calls are used up.
local function visitListWithin(t, tenant, c, most)
    local key, list, cost, count = bigKey(tenant), listKey(tenant, c), 0, 0
    while count < most do
        local kind = call('LINDEX', list, 0)
        if not kind then break end
        local state = call('HGET', key, kind)
        local told = state and allow(t, tenant, c, kind)
        if state and not told then break end
        call('LPOP', list)
        if state then
            local rest = sub(state, 2)
            grant(tenant, kind, rest, told)
            call('HSET', key, kind, 'r' .. rest)
            cost, count = cost + costOf(rest), count + 1
        end
    end
    return count, cost
end

-- Serves a tenant's jobs that did not fit into its record. Returns how many, and their cost.
local function visitList(t, tenant, c, most)
    if t.isBudgeted then return visitListWithin(t, tenant, c, most) end
    local kinds = call('LPOP', listKey(tenant, c), most)
    if not kinds then return 0, 0 end
    local key, cost, set, count = bigKey(tenant), 0, {}, 0
    local states = call('HMGET', key, unpack(kinds))
    for i = 1, #kinds do
        if states[i] then
            local rest = sub(states[i], 2)
            grant(tenant, kinds[i], rest)
            cost, count = cost + costOf(rest), count + 1
            set[2 * count - 1], set[2 * count] = kinds[i], 'r' .. rest
        end
    end
    if count > 0 then call('HSET', key, unpack(set)) end
    return count, cost
end

local LONE = {
    [0] = '^%z\1%z%zr%-%-\n([^\t]+)\tq(0[^\n]*)$', '^%z\1%z%z%-r%-\n([^\t]+)\tq(1[^\n]*)$',
    '^%z\1%z%z%-%-r\n([^\t]+)\tq(2[^\n]*)$',
}

-- Serves a tenant whose only job is queued: whatever its cost, the first job of a turn is granted.
local function visitLone(tenant, kind, rest)
    setLone(tenant, LONE_RUNNING .. kind .. '\tr' .. rest)
    grant(tenant, kind, rest)
    queued, running = queued - 1, running + 1
    return 1
end

local POCKET_JOB = {
    [0] = '^\12\1%z%zr%-%-.............([^\t]*)\t([^\n]*)\n([^\t]+)\tq(0[^\n]*)$',
    '^\12\1%z%z%-r%-.............([^\t]*)\t([^\n]*)\n([^\t]+)\tq(1[^\n]*)$',
}

-- Serves a tenant with a pocket whose only job is queued, if that is of the pocket's kind and it suffices; nil: it is not.
local function visitPocket(tenant, record, c)
    local pattern = POCKET_JOB[c]
    local own, told, kind, rest
    if pattern then own, told, kind, rest = match(record, pattern) end
    if not kind or own ~= kind then return nil end
    local bytes, needs = drawn(record, 8)
    if not bytes then return nil end
    setLone(tenant, POCKET_RUNNING .. bytes .. sub(record, 12, -#rest - 2) .. 'r' .. rest)
    grant(tenant, kind, rest .. needs .. told)
    queued, running = queued - 1, running + 1
    return 1
end

-- Most tenants never have one: nothing is kept for them.
local function setDeficit(t, c, deficit)
    if deficit ~= 0 or t[DEFICIT + c] then t[DEFICIT + c] = deficit end
end

-- Serves one tenant of the ring; returns how many jobs it got, and whether its turn goes on.
-- Deficit round robin with debt: a turn begins with quantum times weight, a job takes its cost and may overdraw; the debt
-- is kept for the next turn. A turn that ends for want of room goes on in the next call, before all others. One that
-- ends for want of calls ends in the car park.
local function visit(t, tenant, c, room)
    changed[tenant] = true
    local most, gain, controls = MAX_RUNNING, QUANTUM, t.controls
    local standing = stand(t, tenant, c)
    if standing ~= READY then
        t[c + 1] = standing
        return 0
    end
    if controls then
        controls.u, controls['u' .. c], controls.v, controls['v' .. c] = nil, nil, nil, nil
        most, gain = controls.m or most, gain * (controls.w or 1)
    end
    local deficit, taken = t[DEFICIT + c] or 0, 0
    if deficit <= 0 then deficit = deficit + gain end
    local free = math.min(room, most - t[N])
    if t[FRONT] ~= '' then body(t) end
    local text, at, pattern = t[BODY], t[AT], QUEUED[c]
    local first, last, kind, rest = find(text, pattern, at)
    local isBudgeted, told = t.isBudgeted, nil
    while first and taken < free and deficit > 0 do
        if isBudgeted then
            told = allow(t, tenant, c, kind)
            if not told then break end
        end
        t[FRONT], at = t[FRONT] .. sub(text, at, first - 1) .. '\n' .. kind .. '\tr' .. rest, last + 1
        grant(tenant, kind, rest, told)
        deficit, taken = deficit - costOf(rest), taken + 1
        first, last, kind, rest = find(text, pattern, at)
    end
    t[AT] = at
    local left = first
    if not left and t.big then
        if taken < free and deficit > 0 then
            local got, cost = visitList(t, tenant, c, math.min(free - taken, deficit))
            taken, deficit = taken + got, deficit - cost
        end
        left = call('EXISTS', listKey(tenant, c)) == 1
    end
    t[N], queued, running = t[N] + taken, queued - taken, running + taken
    if left and isBudgeted and not told and t.controls and t.controls['u' .. c] then
        t[c + 1] = stand(t, tenant, c)
        setDeficit(t, c, math.min(deficit, 0))
        return taken
    end
    local isFull = t[N] >= most
    if not left or isFull then
        t[c + 1] = left and FULL or IDLE
        -- A tenant that has nothing more, or may not have it, begins anew; but a debt is a debt.
        setDeficit(t, c, left and math.min(deficit, 0) or 0)
        return taken
    end
    setDeficit(t, c, deficit)
    if deficit > 0 then return taken, true end
    again[#again + 1] = tenant
    return taken
end

local credit = { [0] = tonumber(head[5]) or 0, tonumber(head[6]) or 0, tonumber(head[7]) or 0 }

-- The most urgent class that has work and credit. When all that have work have used theirs it is dealt out anew, as many
-- rounds at once as the jobs wanted need: fuller turns of the rings, the same shares.
local function nextClass(empty, left)
    for _ = 1, 2 do
        local round = 0
        for c = 0, 2 do
            if not empty[c] then
                if credit[c] > 0 then return c end
                round = round + SHARE[c]
            end
        end
        if round == 0 then return nil end
        for c = 0, 2 do
            if not empty[c] then credit[c] = credit[c] + SHARE[c] * math.ceil(left / round) end
        end
    end
end

-- Serves the rings; returns whether it gave up before all that was wanted was found.
local function serve()
    local left, visits, empty = WANTED, WANTED + SPARE_VISITS, {}
    while left > 0 and visits > 0 do
        local c = nextClass(empty, left)
        if not c then return false end
        local ring = S .. ':ring:' .. c
        local names = call('LPOP', ring, math.min(left, credit[c], visits))
        if not names then
            empty[c], credit[c] = true, 0
        else
            local records = call('HMGET', TENANTS, unpack(names))
            fetchCells(names, records)
            local unseen = {}
            for i = 1, #names do
                local tenant, record = names[i], records[i]
                if left > 0 and credit[c] > 0 then
                    local kind, rest, taken, goesOn
                    local flags = record and not tenants[tenant] and byte(record)
                    if flags == 0 then
                        kind, rest = match(record, LONE[c])
                        taken = kind and visitLone(tenant, kind, rest)
                    elseif flags == 12 then
                        taken = visitPocket(tenant, record, c)
                    end
                    if not taken then
                        local t = tenants[tenant] or decode(record)
                        tenants[tenant] = t
                        taken, goesOn = visit(t, tenant, c, math.min(left, credit[c]))
                    end
                    if goesOn then table.insert(unseen, 1, tenant) end
                    left, credit[c], visits = left - taken, credit[c] - taken, visits - 1
                else
                    table.insert(unseen, 1, tenant)
                end
            end
            if unseen[1] then call('LPUSH', ring, unpack(unseen)) end
            if again[1] then
                call('RPUSH', ring, unpack(again))
                again = {}
            end
        end
    end
    return visits <= 0
end

local answers = settleAll()
if WANTED > 0 then
    promote()
    unpark()
end
flushRings()
local gaveUp = serve()
save()
saveCells()
call('HSET', SHARD, 'queued', (tonumber(head[3]) or 0) + queued, 'running', (tonumber(head[4]) or 0) + running,
    'seq', whole(seq), 'c0', credit[0], 'c1', credit[1], 'c2', credit[2])
if o > 0 then
    call('SADD', OWN, unpack(owned))
    call('ZADD', S .. ':w', now + LEASE, WORKER)
end
local wait, more = nextWake(PARK, nextWake(DELAY, -1)), 0
if (o >= WANTED or gaveUp) and call('EXISTS', S .. ':ring:0', S .. ':ring:1', S .. ':ring:2') > 0 then
    more = 1
    wake()
elseif wait == 0 then
    -- More is due than one call takes.
    more = 1
end
return { answers, wait, more, seq, table.concat(leases, '\n') }
