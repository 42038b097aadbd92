"""No-op jobs for taskiq: `taskiq_peer.py JOBS` asks for them, `taskiq worker taskiq_peer:broker` runs them."""
import asyncio
import os
import sys

from taskiq_redis import ListQueueBroker

broker = ListQueueBroker(os.environ["PEER_REDIS_URL"])


@broker.task(task_name="noop")
async def noop(number: int) -> None:
    pass


async def main():
    await broker.startup()
    for number in range(int(sys.argv[1])):
        await noop.kiq(number)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
