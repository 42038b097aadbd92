"""No-op jobs for arq: `arq_peer.py JOBS` asks for them, `arq arq_peer.WorkerSettings` runs them."""
import asyncio
import logging
import os
import sys

from arq import create_pool
from arq.connections import RedisSettings

# Two lines a job would be most of what is measured.
logging.disable(logging.INFO)


async def noop(context, number):
    pass


class WorkerSettings:
    functions = [noop]
    redis_settings = RedisSettings.from_dsn(os.environ["PEER_REDIS_URL"])
    max_jobs = 100
    poll_delay = 0.01
    keep_result = 0


async def main():
    pool = await create_pool(WorkerSettings.redis_settings)
    for number in range(int(sys.argv[1])):
        await pool.enqueue_job("noop", number)


if __name__ == "__main__":
    asyncio.run(main())
