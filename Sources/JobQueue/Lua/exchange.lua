-- Settles finished jobs and leases new ones: the one call of a busy worker.
-- ARGV[3] worker, [4] lease ms, [5] lowest seq to go on from, [6] quantum, [7] jobs wanted, [8] attempts a job has,
-- then four a settlement: token, outcome, delay ms, code.
-- Outcomes: D done, A again, R retry, X dead, U returned.
-- Returns: one letter a settlement (a accepted, b accepted and buried, s stale), ms until something falls due (-1:
-- nothing will), whether work is left, seq, then the leases as token,tenant,kind,class,attempt,deaths,enqueued,cost,leased.
local WORKER, LEASE, QUANTUM, WANTED, ATTEMPTS =
    ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local FIRST = 9
-- Bounds of one call: due jobs and parked tenants looked at, jobs of one tenant a visit, visits beyond the jobs wanted.
local PROMOTE, UNPARK, A_VISIT, SPARE_VISITS = 64, 32, 8, 32
local SHARE = { [0] = 8, 4, 1 }
local OWN = S .. ':own:' .. WORKER

-- MARK: settling

local function settle(lease, outcome, delay, code)
    local tenant, kind, c, attempt, deaths, enqueued, cost =
        string.match(lease, '^(%-?%d+),([^,]+),(%d),(%d+),(%d+),(%d+),(%d+)')
    local class, asked = release(tenant, kind)
    if outcome == 'D' then
        if class then put(tenant, class, kind, asked, '0,0,' .. NOW .. ',' .. cost) end
        return 'a'
    end
    if class and class < c then c = class end
    if outcome == 'A' then
        put(tenant, c, kind, math.min(now + delay, asked or now + delay), '0,0,' .. NOW .. ',' .. cost)
        return 'a'
    end
    local meta = ',' .. deaths .. ',' .. enqueued .. ',' .. cost
    if outcome == 'U' then
        push(tenant, c, kind, attempt .. meta)
        return 'a'
    end
    if outcome == 'X' or attempt + deaths + 1 >= ATTEMPTS then
        bury(tenant, c, kind, attempt + 1 .. meta, code)
        return 'b'
    end
    put(tenant, c, kind, now + delay, attempt + 1 .. meta)
    return 'a'
end

local function settleAll()
    local tokens, answers = {}, {}
    for i = FIRST, #ARGV, 4 do tokens[#tokens + 1] = ARGV[i] end
    if not tokens[1] then return '' end
    local leases, seen = call('HMGET', OWN, unpack(tokens)), {}
    call('HDEL', OWN, unpack(tokens))
    for i, token in ipairs(tokens) do
        -- Only the owner's hash decides: a lease that was swept, or settled before, is not there.
        if leases[i] and not seen[token] then
            local at = FIRST + (i - 1) * 4
            answers[i] = settle(leases[i], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3])
            seen[token] = true
        else
            answers[i] = 's'
        end
    end
    return table.concat(answers)
end

-- MARK: what fell due

local function promote()
    local due = call('ZRANGEBYSCORE', DELAY, '-inf', now, 'LIMIT', 0, PROMOTE)
    if not due[1] then return end
    call('ZREM', DELAY, unpack(due))
    for _, name in ipairs(due) do
        local tenant, kind = string.match(name, '^([^,]+),(.*)$')
        local j = call('HGET', tenantKey(tenant), 'j' .. kind)
        local c, meta = string.match(j, '^d(%d),%d+,(.*)$')
        push(tenant, c, kind, meta)
    end
end

local function unpark()
    local due = call('ZRANGEBYSCORE', PARK, '-inf', now, 'LIMIT', 0, UNPARK)
    if not due[1] then return end
    call('ZREM', PARK, unpack(due))
    for _, name in ipairs(due) do
        local tenant, c = string.match(name, '^([^,]+),(%d)$')
        call('HSET', tenantKey(tenant), 's' .. c, 'r')
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
local leases, owned, again = {}, {}, {}

local function lease(tenant, c, entry, set)
    local kind, meta, cost = string.match(entry, '^([^,]+),(.*,(%d+))$')
    seq = seq + 1
    local token = whole(base + seq)
    local value = tenant .. ',' .. kind .. ',' .. c .. ',' .. meta .. ',' .. NOW
    owned[#owned + 1] = token
    owned[#owned + 1] = value
    leases[#leases + 1] = token .. ',' .. value
    set[#set + 1] = 'j' .. kind
    set[#set + 1] = 'r' .. token
    return tonumber(cost)
end

-- Serves one tenant of the ring; returns how many jobs it got.
-- Deficit round robin with debt: a visit adds quantum times weight, a job takes its cost and may overdraw.
local function visit(tenant, c, room)
    local key = tenantKey(tenant)
    local t = call('HMGET', key, 'w', 'm', 'p', 'n', 'd' .. c, 'q' .. c, 'o' .. c, 'u', 'u' .. c)
    local n, m = tonumber(t[4]) or 0, tonumber(t[2]) or MAX_RUNNING
    local standing = stand(tenant, c, t[3], t[8], t[9], n, m)
    if standing ~= 'r' then
        call('HSET', key, 's' .. c, standing)
        return 0
    end
    if t[8] or t[9] then call('HDEL', key, 'u', 'u' .. c) end
    local gain = QUANTUM * (tonumber(t[1]) or 1)
    local deficit = math.min((tonumber(t[5]) or 0) + gain, 4 * gain)
    local q, o, set, taken = t[6] or '', tonumber(t[7]) or 0, {}, 0
    local most = math.min(room, m - n, A_VISIT)
    while taken < most and deficit > 0 and q ~= '' do
        local entry, rest = string.match(q, '^(%S+) (.*)$')
        deficit = deficit - lease(tenant, c, entry, set)
        q = rest
        taken = taken + 1
    end
    if q == '' and o > 0 and taken < most and deficit > 0 then
        local entries = call('LPOP', S .. ':q:' .. tenant .. ':' .. c, math.min(most - taken, deficit)) or {}
        for _, entry in ipairs(entries) do deficit = deficit - lease(tenant, c, entry, set) end
        o = o - #entries
        taken = taken + #entries
    end
    local left = q ~= '' or o > 0
    if taken == 0 and not left then
        call('HDEL', key, 's' .. c, 'q' .. c, 'o' .. c, 'd' .. c)
        return 0
    end
    local k = #set
    set[k + 1], set[k + 2], set[k + 3], set[k + 4] = 'n', whole(n + taken), 'q' .. c, q
    if t[7] then set[#set + 1] = 'o' .. c; set[#set + 1] = whole(o) end
    if left then
        set[#set + 1] = 'd' .. c
        set[#set + 1] = whole(deficit)
    elseif t[5] then
        set[#set + 1] = 'd' .. c
        set[#set + 1] = '0'
    end
    if not left then
        set[#set + 1] = 's' .. c
        set[#set + 1] = ''
    elseif n + taken >= m then
        set[#set + 1] = 's' .. c
        set[#set + 1] = 'm'
    else
        again[#again + 1] = tenant
    end
    call('HSET', key, unpack(set))
    queued, running = queued - taken, running + taken
    return taken
end

local credit = { [0] = tonumber(head[5]) or 0, tonumber(head[6]) or 0, tonumber(head[7]) or 0 }

-- The most urgent class that has work and credit; credit is dealt out anew when all that have work have used theirs.
local function nextClass(empty)
    for _ = 1, 2 do
        for c = 0, 2 do
            if not empty[c] and credit[c] > 0 then return c end
        end
        if empty[0] and empty[1] and empty[2] then return nil end
        for c = 0, 2 do
            if not empty[c] then credit[c] = credit[c] + SHARE[c] end
        end
    end
end

local function serve()
    local left, visits, empty = WANTED, WANTED + SPARE_VISITS, {}
    while left > 0 and visits > 0 do
        local c = nextClass(empty)
        if not c then return end
        local ring = S .. ':ring:' .. c
        local tenants = call('LPOP', ring, math.min(left, credit[c], visits))
        if not tenants then
            empty[c], credit[c] = true, 0
        else
            local unseen = {}
            for i, tenant in ipairs(tenants) do
                if left > 0 and credit[c] > 0 then
                    local taken = visit(tenant, c, math.min(left, credit[c]))
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
end

local answers = settleAll()
if WANTED > 0 then
    promote()
    unpark()
end
flushRings()
serve()
local saved = { 'queued', (tonumber(head[3]) or 0) + queued, 'running', (tonumber(head[4]) or 0) + running,
    'seq', whole(seq), 'c0', credit[0], 'c1', credit[1], 'c2', credit[2] }
call('HSET', SHARD, unpack(saved))
if owned[1] then
    call('HSET', OWN, unpack(owned))
    call('ZADD', S .. ':w', now + LEASE, WORKER)
end
local more = 0
if #leases >= WANTED and call('EXISTS', S .. ':ring:0', S .. ':ring:1', S .. ':ring:2') > 0 then
    more = 1
    wake()
end
local wait = nextWake(PARK, nextWake(DELAY, -1))
return { answers, wait, more, seq, unpack(leases) }
