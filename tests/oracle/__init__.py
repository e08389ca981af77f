"""The rules once more, slowly: written from the rules' text alone, to be compared with syncd.

Nothing here looks at ``syncd.rules``. Each function asks about one day, works everything out
anew, and spells the sentences out in their order; speed and reasons are no concern.
"""
