"""Workflows of the Glue API: crawlers that follow each other, by boto3."""

import uuid

import pytest

from support.glue import refused, unchecked
from support.process import wait_until
from support.server import ROLE


def unique(word):
    return f"{word}_{uuid.uuid4().hex[:8]}"


def make(glue, bucket="nowhere", database=None):
    name = unique("crawler")
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName=database or unique("db"), Targets={"S3Targets": [{"Path": f"s3://{bucket}/{name}/"}]})
    return name


def upload(lake, bucket, crawler):
    lake.put(bucket, f"{crawler}/a.csv", "id,name\n" + "".join(f"{i},n{i}\n" for i in range(50)))


def when(*conditions, logical="AND"):
    return {"Logical": logical, "Conditions": [{"LogicalOperator": "EQUALS", "CrawlerName": c, "CrawlState": s} for c, s in conditions]}


def after(glue, workflow, crawler, *conditions, logical="AND", start=True):
    name = unique("trigger")
    glue.create_trigger(Name=name, WorkflowName=workflow, Type="CONDITIONAL", Predicate=when(*conditions, logical=logical),
                        Actions=[{"CrawlerName": crawler}], StartOnCreation=start)
    return name


def first(glue, workflow, *crawlers):
    name = unique("trigger")
    glue.create_trigger(Name=name, WorkflowName=workflow, Type="ON_DEMAND", Actions=[{"CrawlerName": c} for c in crawlers])
    return name


def run_of(glue, workflow, run, **more):
    return glue.get_workflow_run(Name=workflow, RunId=run, **more)["Run"]


def ended(glue, workflow, run):
    wait_until("the run ending", lambda: run_of(glue, workflow, run)["Status"] in ("COMPLETED", "STOPPED", "ERROR"), 90)
    return run_of(glue, workflow, run, IncludeGraph=True)


@pytest.fixture
def workflow(glue):
    name = unique("workflow")
    glue.create_workflow(Name=name)
    yield name
    glue.delete_workflow(Name=name)


def test_workflows_are_made_changed_listed_and_deleted(glue):
    name, crawler = unique("workflow"), make(glue)
    assert glue.create_workflow(Name=name, Description="d", DefaultRunProperties={"a": "1"}, MaxConcurrentRuns=2, Tags={"team": "x"})["Name"] == name
    refused("AlreadyExistsException", glue.create_workflow, Name=name)
    got = glue.get_workflow(Name=name)["Workflow"]
    assert (got["Name"], got["Description"], got["DefaultRunProperties"], got["MaxConcurrentRuns"]) == (name, "d", {"a": "1"}, 2)
    assert got["CreatedOn"] == got["LastModifiedOn"] and "LastRun" not in got and "Graph" not in got
    assert glue.update_workflow(Name=name, Description="e")["Name"] == name
    got = glue.get_workflow(Name=name)["Workflow"]
    assert (got["Description"], got["DefaultRunProperties"]) == ("e", {"a": "1"}) and got["LastModifiedOn"] >= got["CreatedOn"]
    names, token = [], {}
    while True:
        page = glue.list_workflows(MaxResults=1, **token)
        names += page["Workflows"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    assert name in names and names == sorted(names)
    batch = glue.batch_get_workflows(Names=[name, "none"], IncludeGraph=True)
    assert [w["Name"] for w in batch["Workflows"]] == [name] and batch["MissingWorkflows"] == ["none"]
    arn = f"arn:aws:glue:{glue.meta.region_name}:{_account(glue)}:workflow/{name}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "x"}
    trigger = first(glue, name, crawler)
    assert glue.get_trigger(Name=trigger)["Trigger"]["WorkflowName"] == name
    glue.delete_workflow(Name=name)
    refused("EntityNotFoundException", glue.get_workflow, Name=name)
    refused("EntityNotFoundException", glue.get_trigger, Name=trigger)
    refused("EntityNotFoundException", glue.update_workflow, Name=name)
    assert glue.delete_workflow(Name=name)["Name"] == name
    assert glue.get_crawler(Name=crawler)["Crawler"]["Name"] == crawler


def _account(glue):
    from support.server import ACCOUNT
    return ACCOUNT


def test_crawlers_follow_each_other(glue, lake, bucket, workflow):
    database = unique("db")
    one, two, three, other = (make(glue, bucket, database) for _ in range(4))
    for crawler in (one, two, three):
        upload(lake, bucket, crawler)
    start = first(glue, workflow, one, two)
    both = after(glue, workflow, three, (one, "SUCCEEDED"), (two, "SUCCEEDED"))
    failed = after(glue, workflow, other, (one, "FAILED"), (two, "FAILED"), logical="ANY")
    run = glue.start_workflow_run(Name=workflow, RunProperties={"day": "monday"})["RunId"]
    assert run.startswith("wr_") and len(run) == 67
    got = ended(glue, workflow, run)
    assert got["Status"] == "COMPLETED" and got["WorkflowRunProperties"] == {"day": "monday"} and got["CompletedOn"] >= got["StartedOn"]
    assert {k: v for k, v in got["Statistics"].items() if v} == {"TotalActions": 3, "SucceededActions": 3}
    assert {t["Name"] for t in glue.get_tables(DatabaseName=database)["TableList"]} == {one, two, three}
    nodes = {n["Name"]: n for n in got["Graph"]["Nodes"]}
    assert {n: v["Type"] for n, v in nodes.items()} == {start: "TRIGGER", both: "TRIGGER", failed: "TRIGGER", one: "CRAWLER", two: "CRAWLER",
                                                       three: "CRAWLER", other: "CRAWLER"}
    names = {n["UniqueId"]: n["Name"] for n in nodes.values()}
    edges = {(names[e["SourceId"]], names[e["DestinationId"]]) for e in got["Graph"]["Edges"]}
    assert edges == {(start, one), (start, two), (one, both), (two, both), (both, three), (one, failed), (two, failed), (failed, other)}
    assert [c["State"] for c in nodes[three]["CrawlerDetails"]["Crawls"]] == ["SUCCEEDED"] and "CrawlerDetails" not in nodes[other]
    assert nodes[three]["CrawlerDetails"]["Crawls"][0]["StartedOn"] >= max(nodes[c]["CrawlerDetails"]["Crawls"][0]["CompletedOn"] for c in (one, two))
    assert glue.get_workflow(Name=workflow)["Workflow"]["LastRun"]["WorkflowRunId"] == run


def test_failures_lead_elsewhere(glue, lake, bucket, workflow):
    missing, good, rescue = make(glue, "there-is-no-such-bucket"), make(glue, bucket), make(glue, bucket)
    upload(lake, bucket, rescue)
    first(glue, workflow, missing)
    after(glue, workflow, good, (missing, "SUCCEEDED"))
    after(glue, workflow, rescue, (missing, "FAILED"))
    asleep = after(glue, workflow, good, (missing, "FAILED"), start=False)
    assert glue.get_trigger(Name=asleep)["Trigger"]["State"] == "CREATED"
    got = ended(glue, workflow, glue.start_workflow_run(Name=workflow)["RunId"])
    assert {k: v for k, v in got["Statistics"].items() if v} == {"TotalActions": 2, "SucceededActions": 1, "FailedActions": 1}
    crawls = {n["Name"]: n.get("CrawlerDetails", {}).get("Crawls", []) for n in got["Graph"]["Nodes"] if n["Type"] == "CRAWLER"}
    assert crawls[missing][0]["State"] == "FAILED" and crawls[missing][0]["ErrorMessage"] and crawls[good] == []
    glue.start_trigger(Name=asleep)
    assert glue.get_trigger(Name=asleep)["Trigger"]["State"] == "ACTIVATED"
    got = ended(glue, workflow, glue.start_workflow_run(Name=workflow)["RunId"])
    assert got["Statistics"]["TotalActions"] == 3


def test_runs_are_listed_newest_first_and_have_properties(glue, workflow):
    crawler = make(glue, "there-is-no-such-bucket")
    start = first(glue, workflow, crawler)
    glue.update_workflow(Name=workflow, DefaultRunProperties={"a": "1", "b": "2"})
    runs = []
    for properties in ({"b": "own"}, {}):
        runs.insert(0, glue.start_workflow_run(Name=workflow, RunProperties=properties)["RunId"])
        ended(glue, workflow, runs[0])
    glue.start_trigger(Name=start)  # the same as StartWorkflowRun
    third = glue.get_workflow_runs(Name=workflow, MaxResults=1)["Runs"][0]["WorkflowRunId"]
    assert third not in runs
    runs.insert(0, third)
    ended(glue, workflow, third)
    listed = [r["WorkflowRunId"] for p in glue.get_paginator("get_workflow_runs").paginate(Name=workflow, PaginationConfig={"PageSize": 2}) for r in p["Runs"]] \
        if glue.can_paginate("get_workflow_runs") else _all_runs(glue, workflow)
    assert listed == runs
    assert glue.get_workflow_run_properties(Name=workflow, RunId=runs[2])["RunProperties"] == {"a": "1", "b": "own"}
    glue.put_workflow_run_properties(Name=workflow, RunId=runs[2], RunProperties={"b": "2", "c": "3"})
    assert glue.get_workflow_run_properties(Name=workflow, RunId=runs[2])["RunProperties"] == {"a": "1", "b": "2", "c": "3"}


def _all_runs(glue, workflow):
    runs, token = [], {}
    while True:
        page = glue.get_workflow_runs(Name=workflow, MaxResults=2, **token)
        runs += [r["WorkflowRunId"] for r in page["Runs"]]
        if not page.get("NextToken"):
            return runs
        token = {"NextToken": page["NextToken"]}


@pytest.mark.parametrize("code, operation, more", [
    ("EntityNotFoundException", "start_workflow_run", {"Name": "none"}),
    ("EntityNotFoundException", "get_workflow_runs", {"Name": "none"}),
    ("EntityNotFoundException", "get_workflow_run", {"RunId": "wr_0"}),
    ("EntityNotFoundException", "get_workflow_run_properties", {"RunId": "wr_0"}),
    ("EntityNotFoundException", "put_workflow_run_properties", {"RunId": "wr_0", "RunProperties": {}}),
    ("EntityNotFoundException", "stop_workflow_run", {"RunId": "wr_0"}),
    ("InvalidInputException", "start_workflow_run", {}),  # no trigger starts it
    ("InvalidInputException", "update_workflow", {"MaxConcurrentRuns": 0}),
    ("InvalidInputException", "create_workflow", {"Name": ""}),
    ("InvalidInputException", "get_workflow_runs", {"NextToken": "xx"})])
def test_refusals(glue, workflow, code, operation, more):
    refused(code, getattr(unchecked(glue), operation), **{"Name": workflow, **more})


def test_triggers_of_workflows_that_are_none_are_refused(glue, workflow):
    crawler = make(glue)
    create = unchecked(glue).create_trigger
    base = {"WorkflowName": workflow, "Actions": [{"CrawlerName": crawler}]}
    good = when((crawler, "SUCCEEDED"))
    for code, more in [("EntityNotFoundException", {"Type": "ON_DEMAND", "WorkflowName": "none"}),
                       ("InvalidInputException", {"Type": "CONDITIONAL"}), ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": {}}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": {"Conditions": []}}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": {"Conditions": [{}]}}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": when((crawler, "RUNNING"))}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": when((crawler, "SOON"))}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": {**good, "Logical": "XOR"}}),
                       ("EntityNotFoundException", {"Type": "CONDITIONAL", "Predicate": when(("none", "SUCCEEDED"))}),
                       ("EntityNotFoundException", {"Type": "CONDITIONAL", "Predicate": {"Conditions": [{"JobName": "j", "State": "SUCCEEDED"}]}}),
                       ("InvalidInputException", {"Type": "CONDITIONAL", "Predicate": good, "Schedule": "cron(0 0 1 1 ? 2199)"}),
                       ("InvalidInputException", {"Type": "ON_DEMAND", "Predicate": good}), ("InvalidInputException", {"Type": "EVENT"})]:
        refused(code, create, Name=unique("trigger"), **{**base, **more})
    refused("InvalidInputException", create, Name=unique("trigger"), Type="CONDITIONAL", Predicate=good, Actions=base["Actions"])
    first(glue, workflow, crawler)
    refused("InvalidInputException", create, Name=unique("trigger"), Type="SCHEDULED", Schedule="cron(0 0 1 1 ? 2199)", **base)


def test_a_scheduled_trigger_begins_runs(own_server):
    own = own_server(lake=True)
    glue = own.client("glue", own.add_user("api", superuser=True, access_key=True))
    crawler, then = make(glue), make(glue)
    glue.create_workflow(Name="w")
    glue.create_trigger(Name="t", WorkflowName="w", Type="SCHEDULED", Schedule="cron(* * * * ? *)", Actions=[{"CrawlerName": crawler}], StartOnCreation=True)
    after(glue, "w", then, (crawler, "FAILED"))
    wait_until("the schedule being followed", lambda: glue.get_workflow_runs(Name="w")["Runs"], 90)
    got = ended(glue, "w", glue.get_workflow_runs(Name="w")["Runs"][-1]["WorkflowRunId"])
    assert got["Status"] == "COMPLETED" and got["Statistics"]["TotalActions"] == 2


@pytest.fixture
def slow(own_server):
    """(server, glue, workflow, crawlers): the first crawl hangs until the store's gate opens."""
    from support.faulty_store import FaultyStore
    import threading
    own = own_server(lake=True, start=False)
    store = own.lake
    own.lake = FaultyStore(store)
    own.lake.store = store
    own.write_config()
    own.start()
    glue = own.client("glue", own.add_user("api", superuser=True, access_key=True))
    store.client().create_bucket(Bucket="slow")
    one, two, three = (make(glue, "slow", "slow") for _ in range(3))
    for crawler in (one, two, three):
        upload(store, "slow", crawler)
    glue.create_workflow(Name="w", MaxConcurrentRuns=1)
    first(glue, "w", one)
    after(glue, "w", two, (one, "SUCCEEDED"))
    after(glue, "w", three, (two, "SUCCEEDED"))
    gate = own.lake.gate = threading.Event()
    yield own, glue, (one, two, three), gate
    gate.set()
    own.stop()
    own.lake.stop()
    store.stop()
    own.lake = None


def test_a_run_is_stopped_and_starts_nothing_more(slow):
    own, glue, (one, two, _), gate = slow
    run = glue.start_workflow_run(Name="w")["RunId"]
    refused("ConcurrentRunsExceededException", glue.start_workflow_run, Name="w")
    wait_until("the first crawl reading", lambda: own.lake.waiting)
    got = run_of(glue, "w", run)
    assert got["Status"] == "RUNNING" and got["Statistics"]["RunningActions"] == 1
    glue.stop_workflow_run(Name="w", RunId=run)
    refused("IllegalWorkflowStateException", glue.stop_workflow_run, Name="w", RunId=run)
    gate.set()
    got = ended(glue, "w", run)
    assert got["Status"] == "STOPPED"
    assert glue.list_crawls(CrawlerName=two)["Crawls"] == []
    refused("IllegalWorkflowStateException", glue.stop_workflow_run, Name="w", RunId=run)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_run_survives_the_gateway(slow, how):
    own, glue, crawlers, gate = slow
    run = glue.start_workflow_run(Name="w", RunProperties={"k": "v"})["RunId"]
    wait_until("the first crawl reading", lambda: own.lake.waiting)
    if how == "stop":
        gate.set()  # a read that hangs is waited for
        own.lake.gate = None
    getattr(own, how)()
    gate.set()
    own.lake.gate = None
    own.start()
    glue = own.client("glue", own.add_user("api_again", superuser=True, access_key=True))
    got = ended(glue, "w", run)
    assert got["Status"] == "COMPLETED" and got["WorkflowRunProperties"] == {"k": "v"}
    assert {k: v for k, v in got["Statistics"].items() if v} == {"TotalActions": 3, "SucceededActions": 3}
    assert {t["Name"] for t in glue.get_tables(DatabaseName="slow")["TableList"]} == set(crawlers)
