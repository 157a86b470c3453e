"""Reads the OpenAPI document: its operations, their examples, what each may answer."""

import re
from urllib.parse import quote, urlencode

METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"]


class Document:
    def __init__(self, content):
        self.content = content
        self.operations = [
            Operation(self, path, method, item[method], item.get("parameters", []))
            for path, item in content["paths"].items()
            for method in METHODS
            if method in item
        ]

    def resolve(self, node):
        """Follows a `$ref` inside the document."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.content
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def methods_of(self, path):
        return [method for method in METHODS if method in self.content["paths"][path]]

    def example_of(self, node):
        """The example of a parameter or media type, its own or its schema's; None if it has none."""
        node = self.resolve(node)
        if "example" in node:
            return node["example"]
        for example in node.get("examples", {}).values() if isinstance(node.get("examples"), dict) else []:
            return self.resolve(example).get("value")
        schema = self.resolve(node.get("schema", {}))
        for found in [schema.get("example"), *schema.get("examples", []), schema.get("const"), *schema.get("enum", [])]:
            if found is not None:
                return found
        return None


class Operation:
    def __init__(self, document, path, method, node, shared_parameters):
        self.document, self.path, self.method, self.node = document, path, method.upper(), node
        self.id = node.get("operationId", f"{self.method} {path}")
        self.parameters = [document.resolve(parameter) for parameter in [*shared_parameters, *node.get("parameters", [])]]
        self.responses = {str(code): document.resolve(response) for code, response in node.get("responses", {}).items()}
        self.statuses = {int(code) for code in self.responses if code.isdigit()}

    @property
    def keyed(self):
        """Whether it is for keys alone."""
        return self.node.get("security") == [{"accessKey": []}]

    def of(self, place):
        return [parameter for parameter in self.parameters if parameter["in"] == place]

    def documents(self, status):
        return str(status) in self.responses or f"{status // 100}XX" in self.responses or "default" in self.responses

    @property
    def pattern(self):
        """Matches the targets that this operation's path stands for."""
        return re.compile("^" + re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(self.path)) + r"(\?.*)?$")

    def target(self, values=None):
        """The path with examples in its places, and the required query parameters. Raises LookupError when one has no example."""
        values = values or {}
        path = self.path
        for parameter in self.of("path"):
            value = values.get(parameter["name"], self.document.example_of(parameter))
            if value is None:
                raise LookupError(f"path parameter '{parameter['name']}' has no example")
            path = path.replace("{" + parameter["name"] + "}", quote(str(value), safe=""))
        query = []
        for parameter in self.of("query"):
            if parameter.get("required"):
                value = self.document.example_of(parameter)
                if value is None:
                    raise LookupError(f"required query parameter '{parameter['name']}' has no example")
                query += [(parameter["name"], item) for item in (value if isinstance(value, list) else [value])]
        return path + (f"?{urlencode(query)}" if query else "")

    def body(self):
        """The media type and the example of the request's body; (None, None) if it has none."""
        contents = self.document.resolve(self.node.get("requestBody", {})).get("content", {})
        for media_type, content in contents.items():
            return media_type, self.document.example_of(content)
        return None, None
