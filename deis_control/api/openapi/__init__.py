"""The API described, as OpenAPI 3.1 and as pages made of that. PURE.

Shapes are declared in `shapes` and `bodies`, each route in `described`; `document` puts them
together with the route table, `html` and `markdown` write what `document` made.
"""
