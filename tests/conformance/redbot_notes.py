"""redbot on one URL, what it found as JSON: its own output in text has no levels. (A process of its own, for redbot keeps one loop a process.)"""

import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource

settings = ConfigParser()
settings.read_dict({"redbot": {"enable_local_access": "True"}})
resource = HttpResource(settings["redbot"])
resource.set_request(sys.argv[1])


@thor.events.on(resource)
def check_done():
    thor.stop()


resource.check()
thor.run()

notes = [n for note in resource.response.notes for n in (note, *note.subnotes)]
json.dump(
    {
        "status": resource.response.status_code,
        "mediaType": resource.response.headers.parsed.get("content-type", [""])[0],
        "gzip": resource.gzip_support,
        "ifNoneMatch": resource.inm_support,
        "ranges": resource.partial_support,
        "notes": [{"name": type(n).__name__, "level": n.level.name, "summary": n.summary} for n in notes],
    },
    sys.stdout,
)
