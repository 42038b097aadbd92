-- Dead letters: jobs that failed too often, or for good.
-- ARGV[3] verb: list (ARGV[4] offset, [5] count, then what to leave out, '' for nothing: [6] other tenants, [7] other
-- kinds, [8] other codes, [9] buried after this ms), about (then pairs of tenant and kind), retry or discard (ARGV[4]
-- tenant, [5] kind)
-- list returns how many letters it looked at, then name, when (ms), class,cost,attempt,deaths,enqueued,code for each that
-- is meant, oldest first; about the same without the number; the others 1 or 0.
local verb = ARGV[3]

local function tell(answer, name, at, about)
    local k = #answer
    answer[k + 1], answer[k + 2], answer[k + 3] = name, at, about
end

if verb == 'list' then
    local from, tenant, kind, code, latest = tonumber(ARGV[4]), ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
    local page = call('ZRANGE', S .. ':dead', from, from + tonumber(ARGV[5]) - 1, 'WITHSCORES')
    local answer = { #page / 2 }
    for i = 1, #page, 2 do
        local ownTenant, ownKind = match(page[i], '^([^,]+),(.*)$')
        local about = call('HGET', S .. ':why', page[i])
        if (tenant == '' or tenant == ownTenant) and (kind == '' or kind == ownKind)
            and (not latest or tonumber(page[i + 1]) <= latest)
            and (code == '' or code == match(about, '^%d+,%d+,%d+,%d+,%d+,(.*)$')) then
            tell(answer, page[i], page[i + 1], about)
        end
    end
    return answer
end
if verb == 'about' then
    local answer = {}
    for i = 4, #ARGV, 2 do
        local name = ARGV[i] .. ',' .. ARGV[i + 1]
        local about = call('HGET', S .. ':why', name)
        if about then tell(answer, name, call('ZSCORE', S .. ':dead', name), about) end
    end
    return answer
end
local tenant, kind = ARGV[4], ARGV[5]
local name = tenant .. ',' .. kind
local about = call('HGET', S .. ':why', name)
if not about then return 0 end
call('ZREM', S .. ':dead', name)
call('HDEL', S .. ':why', name)
fetch({ tenant })
local t = tenants[tenant]
if peek(t, tenant, kind) then remove(t, tenant, kind) end
if verb == 'retry' then
    -- All counters start anew: a job that would die again at once was not retried.
    local c, cost = match(about, '^(%d),(%d+)')
    push(t, tenant, c, kind, ',' .. cost .. ',0,0,' .. NOW)
end
finish()
return 1
