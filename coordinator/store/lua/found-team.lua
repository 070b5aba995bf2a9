-- Founds a team, and puts its founder in it. Atomic, because a name is given once, and because a team
-- without a member is nobody's.
--
-- keys: teams, names, founded, team_of, sizes
-- args: team_id, name_key, facts, founder, founded_max
-- returns: 'founded', 'taken' or 'too_many'. Repeated, it says what it said.

local present = redis.call('HGET', names, name_key)
if present then return present == team_id and 'founded' or 'taken' end
if tonumber(redis.call('HGET', founded, founder) or 0) >= tonumber(founded_max) then return 'too_many' end
redis.call('HSET', names, name_key, team_id)
redis.call('HSET', teams, team_id, facts)
redis.call('HINCRBY', founded, founder, 1)
local before = redis.call('HGET', team_of, founder)
if before then redis.call('HINCRBY', sizes, before, -1) end
redis.call('HSET', team_of, founder, team_id)
redis.call('HINCRBY', sizes, team_id, 1)
return 'founded'
