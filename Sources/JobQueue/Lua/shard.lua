-- Tenants, their jobs and where they stand: what the scripts of a shard share. Stands behind prelude.lua.
--
--   S:shard        HASH  epoch (absent: this Redis was wiped), seq, queued, running, c0 c1 c2 (class credit),
--                        swept, pardoned (ms; see sweep.lua)
--   S:t            HASH  tenant -> record; one read and one write serve all tenants of a call
--                        ('' -> sixty-five bytes, so that Redis never packs the hash into a list to be searched)
--   S:ring:<c>     LIST  tenants with work of class c that may run now, each at most once
--   S:j:<tenant>   HASH  kind -> state, for the jobs that did not fit into the tenant's record
--   S:q:<tenant>:<c> LIST  those of them that are queued, by kind
--   S:delay        ZSET  tenant,kind by due time      S:park  ZSET  tenant,class by wake time
--   S:w            ZSET  workers by deadline          S:own:<worker>  SET  leases
--   S:mark         HASH  worker -> seq,ms of a heartbeat: leases up to seq are older than ms
--   S:dead ZSET, S:why HASH  dead letters             S:paused SET    S:wake LIST  at most one token
--
-- lease:    token,tenant,kind
-- record:   seven bytes: flags, jobs in the body, running (two), standing of classes 0 1 2;
--           flag 1: three deficits and the number of jobs elsewhere, three bytes each;
--           flag 2: two bytes of length and the controls (msgpack): w weight, m max concurrency, p why paused,
--           u u0 u1 u2 parked until (all classes, one class), v v0 v1 v2 why;
--           flag 4: it has a budget (purse.lua); flag 8: and a pocket, of which a run is out with flag 16: thirteen bytes
--           (POCKET_BYTES), the kind of its runs, a tab, and what a lease is told behind the calls it gets;
--           then the body, one line a job, in the order of queueing: \n kind \t state
-- state:    a letter, the class and the meta ",cost,attempt,deaths,enqueued ms":
--           q queued, d delayed (then ",due"), r running, R running and asked for again (then ",class,due"), x dead
-- No record stands for a tenant without settings and without jobs, so that it costs nothing.
--
-- What is slow here is making strings: patterns, numbers to text, parts of text. So jobs travel as the text they are
-- stored as, and all tenants of a call are read and written together.
-- MARK: records

-- The tenants this script has read, and those whose record it has to write.
local tenants, changed = {}, {}

local function three(a, b, c) return a * 65536 + b * 256 + c end
local function bytes3(number)
    local low = number % 65536
    return char((number - low) / 65536, (low - low % 256) / 256, low % 256)
end

-- A tenant: [1] [2] [3] standing of classes 0 1 2, then what these constants name; [9] [10] [11] deficits, big, controls
-- where there are any: without them a tenant is one small array. Its jobs are FRONT and what is in BODY from AT on, so
-- that a change at the beginning of a long text does not copy the rest of it.
local N, COUNT, BODY, AT, FRONT, DEFICIT = 4, 5, 6, 7, 8, 9
local POCKET_BYTES = 13

local function decode(record)
    if not record then return { IDLE, IDLE, IDLE, 0, 0, '', 1, '' } end
    local flags, count, n1, n2, s0, s1, s2 = byte(record, 1, 7)
    if flags == 0 then return { s0, s1, s2, n1 * 256 + n2, count, record, 8, '' } end
    local t, at = { s0, s1, s2, n1 * 256 + n2, count, record, 8, '' }, 8
    if flags % 2 == 1 then
        local a, b, c, d, e, f, g, h, i, j, k, l = byte(record, 8, 19)
        t[9], t[10], t[11] = three(a, b, c) - ZERO, three(d, e, f) - ZERO, three(g, h, i) - ZERO
        t.big, at = three(j, k, l), 20
    end
    if flags % 4 >= 2 then
        local high, low = byte(record, at, at + 1)
        local last = at + 1 + high * 256 + low
        t.controls, at = cmsgpack.unpack(sub(record, at + 2, last)), last + 1
    end
    t.isBudgeted = flags % 8 >= 4
    if flags % 16 >= 8 then
        -- The first bytes are any.
        local last = (find(record, '\n', at + POCKET_BYTES, true) or #record + 1) - 1
        t.pocket, t.isOut, at = sub(record, at, last), flags >= 16, last + 1
    end
    t[AT] = at
    return t
end

-- The record of a tenant; false when there is nothing to say.
local function encode(t)
    local n, flags, extra = t[N], 0, ''
    local d0, d1, d2, big = t[9] or 0, t[10] or 0, t[11] or 0, t.big or 0
    if d0 ~= 0 or d1 ~= 0 or d2 ~= 0 or big ~= 0 then
        flags, extra = 1, bytes3(d0 + ZERO) .. bytes3(d1 + ZERO) .. bytes3(d2 + ZERO) .. bytes3(big)
    end
    if t.controls and next(t.controls) then
        local packed = cmsgpack.pack(t.controls)
        flags = flags + 2
        extra = extra .. char((#packed - #packed % 256) / 256, #packed % 256) .. packed
    end
    if t.isBudgeted then flags = flags + 4 end
    if t.pocket then flags, extra = flags + (t.isOut and 24 or 8), extra .. t.pocket end
    if flags == 0 and t[COUNT] == 0 and n == 0 and t[1] == IDLE and t[2] == IDLE and t[3] == IDLE then return false end
    return char(flags, t[COUNT], (n - n % 256) / 256, n % 256, t[1], t[2], t[3]) .. extra .. t[FRONT] .. sub(t[BODY], t[AT])
end

-- A tenant's jobs as one text.
local function body(t)
    if t[AT] > 1 or t[FRONT] ~= '' then
        t[BODY], t[AT], t[FRONT] = t[FRONT] .. sub(t[BODY], t[AT]), 1, ''
    end
    return t[BODY]
end

-- Reads tenants, all in one call; one that was read before stays what it has become.
local function fetch(names)
    if not names[1] then return end
    local records = call('HMGET', TENANTS, unpack(names))
    for i = 1, #names do
        local name = names[i]
        if not tenants[name] then tenants[name] = decode(records[i]) end
    end
end

-- Most tenants have one job at a time and no controls. Their record is a fixed text around that job, so that it is read
-- with one pattern and written with one concatenation; such a tenant is never decoded.
local LONE_QUEUED = { [0] = '\0\1\0\0r--\n', '\0\1\0\0-r-\n', '\0\1\0\0--r\n' }
local LONE_RUNNING = '\0\1\0\1---\n'
-- The same of tenants with a budget: what stands before the pocket, or, of those without one, before the job.
local POCKET_IDLE, POCKET_RUNNING = '\12\0\0\0---', '\28\1\0\1---'
local POCKET_QUEUED = { [0] = '\12\1\0\0r--', '\12\1\0\0-r-' }
local BUDGET_IDLE = '\4\0\0\0---'
local BUDGET_QUEUED = { [0] = '\4\1\0\0r--\n', '\4\1\0\0-r-\n', '\4\1\0\0--r\n' }
local loneSet, loneGone, ls, lg = {}, {}, 0, 0

local function setLone(tenant, record)
    loneSet[ls + 1], loneSet[ls + 2] = tenant, record
    ls = ls + 2
end

local function endLone(tenant)
    lg = lg + 1
    loneGone[lg] = tenant
end

local function save()
    -- A tenant that is decoded after all is written after these, and so as it is last.
    if ls > 0 then call('HSET', TENANTS, unpack(loneSet)) end
    if lg > 0 then call('HDEL', TENANTS, unpack(loneGone)) end
    local set, gone, k, g = {}, {}, 0, 0
    for tenant in pairs(changed) do
        local record = encode(tenants[tenant])
        if record then
            set[k + 1], set[k + 2] = tenant, record
            k = k + 2
        else
            g = g + 1
            gone[g] = tenant
        end
    end
    if k > 0 then call('HSET', TENANTS, unpack(set)) end
    if g > 0 then call('HDEL', TENANTS, unpack(gone)) end
end

-- MARK: jobs of a tenant

local function bigKey(tenant) return S .. ':j:' .. tenant end
local function listKey(tenant, c) return S .. ':q:' .. tenant .. ':' .. c end

-- Where a job's state stands in a text from `at` on: before the line, first and last of the state. Nil: it is not there.
local function locate(text, kind, at)
    local before, tab = find(text, '\n' .. kind .. '\t', at, true)
    if not before then return nil end
    local after = find(text, '\n', tab, true)
    return before - 1, tab + 1, after and after - 1 or #text
end

-- A job's state, nil when there is no such job.
local function peek(t, tenant, kind)
    local text = body(t)
    local before, first, last = locate(text, kind, 1)
    if before then return sub(text, first, last) end
    return t.big and call('HGET', bigKey(tenant), kind) or nil
end

-- Adds a job that is in no queue.
local function add(t, tenant, kind, state)
    changed[tenant] = true
    if t[COUNT] < INLINE then
        t[BODY], t[COUNT] = body(t) .. '\n' .. kind .. '\t' .. state, t[COUNT] + 1
    else
        call('HSET', bigKey(tenant), kind, state)
        t.big = (t.big or 0) + 1
    end
end

-- Removes a job that was found by `peek`.
local function remove(t, tenant, kind)
    changed[tenant] = true
    local text = body(t)
    local before, _, last = locate(text, kind, 1)
    if before then
        t[BODY], t[COUNT] = sub(text, 1, before) .. sub(text, last + 1), t[COUNT] - 1
    else
        call('HDEL', bigKey(tenant), kind)
        t.big = t.big > 1 and t.big - 1 or nil
    end
end

-- Changes the state of a job where it stands.
local function replace(t, tenant, kind, state)
    changed[tenant] = true
    local text = body(t)
    local before, first, last = locate(text, kind, 1)
    if before then
        t[BODY] = sub(text, 1, first - 1) .. state .. sub(text, last + 1)
    else
        call('HSET', bigKey(tenant), kind, state)
    end
end

-- MARK: standing

-- Where a tenant with work of class c belongs; parks it when it, or the class, is parked until later.
local function stand(t, tenant, c)
    local most, controls = MAX_RUNNING, t.controls
    if controls then
        if controls.p then return PAUSED end
        local wake = math.max(controls.u or 0, controls['u' .. c] or 0)
        if wake > now then
            call('ZADD', PARK, wake, tenant .. ',' .. c)
            return PARKED
        end
        most = controls.m or most
    end
    return t[N] < most and READY or FULL
end

local function enring(tenant, c)
    local list = ringed[tonumber(c)]
    list[#list + 1] = tenant
end

local function restand(t, tenant, c)
    changed[tenant] = true
    local standing = stand(t, tenant, c)
    t[c + 1] = standing
    if standing == READY then enring(tenant, c) end
end

-- MARK: queueing

-- Queues a job that is nowhere. While jobs of its class wait elsewhere it goes behind them.
local function push(t, tenant, c, kind, meta)
    local state = 'q' .. c .. meta
    if t[COUNT] < INLINE and (not t.big or call('EXISTS', listKey(tenant, c)) == 0) then
        t[BODY], t[COUNT] = body(t) .. '\n' .. kind .. '\t' .. state, t[COUNT] + 1
    else
        call('HSET', bigKey(tenant), kind, state)
        call('RPUSH', listKey(tenant, c), kind)
        t.big = (t.big or 0) + 1
    end
    changed[tenant] = true
    if t[c + 1] == IDLE then restand(t, tenant, c) end
    queued = queued + 1
end

-- Queues a job now, or when it is due.
local function put(t, tenant, c, kind, due, meta)
    if due <= now then return push(t, tenant, c, kind, meta) end
    due = whole(due)
    call('ZADD', DELAY, due, tenant .. ',' .. kind)
    add(t, tenant, kind, 'd' .. c .. meta .. ',' .. due)
end

-- Puts a job aside until a human decides.
local function bury(t, tenant, c, kind, meta, code)
    local name = tenant .. ',' .. kind
    call('ZADD', S .. ':dead', NOW, name)
    call('HSET', S .. ':why', name, c .. meta .. ',' .. code)
    add(t, tenant, kind, 'x')
end

-- MARK: ends of leases

-- Tenant and kind of a lease.
local function parts(lease) return match(lease, '^%d+,([^,]+),(.+)$') end

-- In purse.lua, for the scripts that end runs: gives back what a run of a tenant with a budget holds; empties a tenant's
-- pocket into its purses; writes what was changed.
local endReservation, fold, saveCells

-- Ends a run whose lease its owner no longer has: the tenant gets its place back. `spent` as endReservation takes it.
-- Returns the letter of the job's state, and the state unless it was a run not asked for again (`brief`); nil, and
-- nothing changes, when the job does not run.
local function release(t, tenant, kind, brief, spent)
    if t[FRONT] ~= '' then body(t) end
    local text, at = t[BODY], t[AT]
    local before, first, last = locate(text, kind, at)
    local state = not before and t.big and call('HGET', bigKey(tenant), kind)
    local letter = before and byte(text, first) or state and byte(state)
    if letter ~= RUNS and letter ~= RUNS_AGAIN then return nil end
    if before then
        if letter ~= RUNS or not brief then state = sub(text, first, last) end
        t[FRONT], t[AT], t[COUNT] = sub(text, at, before), last + 1, t[COUNT] - 1
        changed[tenant] = true
    else
        remove(t, tenant, kind)
    end
    t[N], running = t[N] - 1, running - 1
    if t.isBudgeted then endReservation(t, tenant, kind, spent) end
    if t[1] == FULL or t[2] == FULL or t[3] == FULL then
        local controls = t.controls
        if t[N] < (controls and controls.m or MAX_RUNNING) then
            local standing = controls and controls.p and PAUSED or READY
            for c = 0, 2 do
                if t[c + 1] == FULL then
                    t[c + 1] = standing
                    if standing == READY then enring(tenant, c) end
                end
            end
        end
    end
    return letter, state
end

-- Reads the state of a run: class, cost, attempt, deaths, enqueued, and class and due time of the run asked for meanwhile.
local function readRun(state)
    local c, cost, attempt, deaths, enqueued, asked = match(state, '^.(%d),(%d+),(%d+),(%d+),(%d+)(.*)$')
    local class, due = match(asked, '^,(%d),(%d+)$')
    return c, cost, attempt, deaths, enqueued, class, tonumber(due)
end

-- A lease goes back to its queue unfinished. `death`, when its worker died: base and cap of the wait in ms, and how many
-- deaths bury the job. Recovery does not judge: the first death may be the machine's, and others may have died for what was
-- leased along with it, so each only puts the job further off, until it is plain that it kills.
local function giveBack(lease, death, spent)
    local tenant, kind = parts(lease)
    local t = tenants[tenant]
    local _, state = release(t, tenant, kind, nil, spent)
    if not state then return end
    local c, cost, attempt, deaths, enqueued, class = readRun(state)
    if class and class < c then c = class end
    if death then deaths = whole(deaths + 1) end
    local meta = ',' .. cost .. ',' .. attempt .. ',' .. deaths .. ',' .. enqueued
    deaths = tonumber(deaths)
    if not death or deaths == 1 then return push(t, tenant, c, kind, meta) end
    if deaths >= death.most then return bury(t, tenant, c, kind, meta, 'worker_lost') end
    put(t, tenant, c, kind, now + math.min(death.base * 3 ^ (deaths - 2), death.cap), meta)
end

-- Gives leases of one worker back. `spent` false: their runs have not begun.
local function giveBackAll(own, leases, death, spent)
    if not leases[1] then return end
    local names = {}
    for i = 1, #leases do names[i] = parts(leases[i]) end
    fetch(names)
    call('SREM', own, unpack(leases))
    for i = 1, #leases do giveBack(leases[i], death, spent) end
end

-- MARK: ending a script

-- Tells one waiting worker that there is something to lease. The token stays until somebody takes it; the worker that
-- does and leaves work behind puts a new one, so no herd is ever woken.
local function wake()
    if call('EXISTS', S .. ':wake') == 0 then call('RPUSH', S .. ':wake', 1) end
end

-- Appends the tenants that became ready to their rings; returns whether there were any.
local function flushRings()
    local any = false
    for c = 0, 2 do
        if ringed[c][1] then
            call('RPUSH', S .. ':ring:' .. c, unpack(ringed[c]))
            ringed[c] = {}
            any = true
        end
    end
    return any
end

-- Ends every script that changes jobs, the lease script aside.
local function finish()
    save()
    if saveCells then saveCells() end
    if flushRings() then wake() end
    if queued ~= 0 or running ~= 0 then
        call('HSET', SHARD, 'queued', (tonumber(head[3]) or 0) + queued, 'running', (tonumber(head[4]) or 0) + running)
    end
end
