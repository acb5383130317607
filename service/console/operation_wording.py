"""The labels of the pages of the operations, in each language."""

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = {
    "title": "Operations",
    "intro": "What programs can ask of this service over HTTP: {:,} operations. Each has a page with its parameters and bodies.",
    "document": "The OpenAPI document",
    "document_about": "describes all of them for programs, with every member of every body (OpenAPI 3.1, JSON).",
    "english": "The descriptions are in English.",
    "call": "How to call it",
    "no_scope": "Needs no key.",
    "parameters": "Parameters",
    "name": "Name",
    "type": "Type",
    "about": "What it says",
    "required": "required",
    "path": "in the path",
    "query": "in the query",
    "header": "a header",
    "cookie": "a cookie",
    "sent": "The body that is sent",
    "answer": "The answer",
    "example": "Example",
    "cut": "The example is cut here; the OpenAPI document has all of it.",
    "refusals": "Refusals",
    "refusals_about": "A refusal is a problem document (RFC 9457), which says what is wrong and what to do.",
}
_CHINESE = {
    "title": "接口",
    "intro": "程序可通过HTTP向本服务提出的请求：共{:,}个接口。每个接口有单独的页面，列出参数、正文和示例。",
    "document": "OpenAPI文档",
    "document_about": "供程序使用，列出全部接口和正文的全部成员（OpenAPI 3.1，JSON）。",
    "english": "接口说明为英文。",
    "call": "调用方法",
    "no_scope": "不需要密钥。",
    "parameters": "参数",
    "name": "名称",
    "type": "类型",
    "about": "说明",
    "required": "必填",
    "path": "在路径中",
    "query": "在查询中",
    "header": "请求头",
    "cookie": "Cookie",
    "sent": "请求正文",
    "answer": "答复",
    "example": "示例",
    "cut": "示例在此截断；全文见OpenAPI文档。",
    "refusals": "拒绝",
    "refusals_about": "拒绝以问题文档（RFC 9457）答复，说明何处有误以及应如何处理。",
}
OPERATION_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})
