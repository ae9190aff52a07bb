"""The HTTP half: answers with a published bundle, on numpy alone.

Layers, each knowing only the ones before it::

    loaded_model     what a bundle can answer: catalogue, similar_anime, similar_users, recommendations, title_search
    query, schemas   what a request may say, what an answer looks like
    routes           parse, call, return
    app              the routes, the problems, the watching of requests, and loading at start-up
"""
