"""What a crawl saw and would change, asked for by the API instead of the verb."""

import uuid

from support.access import call_access
from support.process import wait_until
from support.server import ROLE


def test_a_dry_run_and_an_explanation(server, glue, lake, bucket, api_user):
    name, database = f"crawler_{uuid.uuid4().hex[:8]}", f"db_{uuid.uuid4().hex[:8]}"
    lake.put(bucket, "hives/a.csv", "id,name\n1,north\n2,south\n")
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName=database, Targets={"S3Targets": [{"Path": f"s3://{bucket}/hives/"}]})
    status, answer = call_access(server, api_user, {"Crawler": name}, "ExplainCrawl")
    assert status == 400 and answer["__type"] == "EntityNotFoundException"  # it never ran

    status, answer = call_access(server, api_user, {"Crawler": name}, "DryRunCrawl")
    assert status == 200, answer
    evidence = answer["Evidence"]
    assert evidence["DryRun"] is True and [(c["Change"], c["Table"]) for c in evidence["Changes"]] == [("CREATE_TABLE", "hives")]
    assert glue.get_tables(DatabaseName=database)["TableList"] == [] and glue.get_crawler(Name=name)["Crawler"]["State"] == "READY"

    glue.start_crawler(Name=name)
    wait_until("the crawl ending", lambda: glue.get_crawler(Name=name)["Crawler"]["State"] == "READY", 60)
    status, answer = call_access(server, api_user, {"Crawler": name}, "ExplainCrawl")
    assert status == 200 and answer["Evidence"]["DryRun"] is False and answer["Evidence"]["Tables"][0]["Table"] == "hives"
    assert answer["CrawlId"] == glue.list_crawls(CrawlerName=name)["Crawls"][0]["CrawlId"]
    assert call_access(server, api_user, {"Crawler": name, "CrawlId": answer["CrawlId"]}, "ExplainCrawl")[0] == 200
    assert call_access(server, api_user, {"Crawler": name, "CrawlId": "none"}, "ExplainCrawl")[1]["__type"] == "EntityNotFoundException"
    _, again = call_access(server, api_user, {"Crawler": name}, "DryRunCrawl")
    assert again["Evidence"]["Changes"] == []


def test_who_may_not_ask(server, glue, api_user):
    plain = server.add_user(f"plain_{uuid.uuid4().hex[:6]}", access_key=True)
    for operation in ("ExplainCrawl", "DryRunCrawl"):
        assert call_access(server, plain, {"Crawler": "any"}, operation)[1]["__type"] == "AccessDeniedException"
        assert call_access(server, api_user, {"Crawler": "no_such"}, operation)[1]["__type"] == "EntityNotFoundException"
        assert call_access(server, api_user, {}, operation)[1]["__type"] == "ValidationException"
        assert call_access(server, api_user, {"Crawler": ["x"]}, operation)[1]["__type"] == "ValidationException"


def test_a_dry_run_that_cannot_list_says_so(server, glue, api_user):
    name = f"crawler_{uuid.uuid4().hex[:8]}"
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName="any", Targets={"S3Targets": [{"Path": "s3://no-such-bucket-at-all/x/"}]})
    status, answer = call_access(server, api_user, {"Crawler": name}, "DryRunCrawl")
    assert status == 400 and answer["__type"] == "CrawlFailedException" and "no-such-bucket-at-all" in answer["message"]
