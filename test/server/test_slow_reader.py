"""A client that does not read costs no thread and little memory, and slows nobody."""

import time

from support.pgwire import Wire, query
from support.process import memory_kib, thread_count, wait_until

BIG = "select repeat('x', 1000) from generate_series(1, 3000000)"


def test_eight_clients_that_stop_reading_do_not_slow_others(own_server):
    own = own_server()
    with own.connect() as db:
        db.execute("create table public.t as select i as a from generate_series(1, 1000) t(i)")
        db.execute("select sum(a) from public.t")
        threads, memory = thread_count(own.pid), memory_kib(own.pid, "Rss")
        stuck = []
        for _ in range(8):
            one = Wire(own.pgwire_port, receive_buffer=4096).login(own.admin.name, own.admin.password)
            one.send(query(BIG))
            one.read_exactly(50)
            stuck.append(one)

        def quick():
            started = time.monotonic()
            db.execute("select sum(a) from public.t").fetchone()
            return time.monotonic() - started < 0.5

        for _ in range(20):
            wait_until("a quick answer beside stuck readers", quick, 10)
        assert thread_count(own.pid) - threads <= 1
        assert memory_kib(own.pid, "Rss") - memory < 8 * 50 * 1024
        for one in stuck:
            one.close()
        assert db.execute("select count(*) from public.t").fetchone() == (1000,)


def test_a_slow_reader_gets_every_row_in_the_end(server):
    pauses, numbers = 0, []
    with server.connect() as db, db.cursor() as cursor:
        for number, _ in cursor.stream("select i, repeat('x', 2000) from generate_series(1, 20000) t(i) order by i"):
            numbers.append(number)
            if number % 2000 == 0:
                pauses += 1
                time.sleep(0.1)  # the slowness under test
    assert numbers == list(range(1, 20001)) and pauses == 10
