"""No-op jobs for Celery: `celery_peer.py JOBS` asks for them, `celery -A celery_peer worker` runs them."""
import os
import sys

from celery import Celery

app = Celery("peer", broker=os.environ["PEER_REDIS_URL"])
app.conf.update(task_ignore_result=True, worker_send_task_events=False, broker_connection_retry_on_startup=True)


@app.task(name="noop")
def noop(number):
    pass


if __name__ == "__main__":
    with app.producer_or_acquire() as producer:
        for number in range(int(sys.argv[1])):
            noop.apply_async((number,), producer=producer)
