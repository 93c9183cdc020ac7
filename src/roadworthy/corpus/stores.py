"""The tables of this room that hold the text of documents, or what is derived from it."""

from roadworthy.plumbing.stores import Store

STORES = (
    Store(
        name="document",
        count="""
SELECT count(*) FROM document WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)
""",
    ),
    Store(
        name="document_field",
        count="""
SELECT count(*) FROM document_field
 WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="revision",
        count="""
SELECT count(*) FROM revision WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="passage",
        count="""
SELECT count(*) FROM passage WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="embedding",
        count="""
SELECT count(*)
  FROM embedding JOIN passage ON passage.tenant_id = embedding.tenant_id
                             AND passage.id = embedding.passage_id
 WHERE embedding.tenant_id = %(tenant_id)s AND passage.document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="passage_score",
        count="""
SELECT count(*)
  FROM passage_score JOIN passage ON passage.tenant_id = passage_score.tenant_id
                                 AND passage.id = passage_score.passage_id
 WHERE passage_score.tenant_id = %(tenant_id)s AND passage.document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="posting",
        count="""
SELECT count(*)
  FROM posting JOIN revision ON revision.tenant_id = posting.tenant_id
                            AND revision.id = posting.revision_id
 WHERE posting.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="merged_revision",
        count="""
SELECT count(*)
  FROM merged_revision JOIN revision ON revision.tenant_id = merged_revision.tenant_id
                                    AND revision.id = merged_revision.revision_id
 WHERE merged_revision.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
    # Rows of many documents: these passages are taken out of them before a receipt is finished.
    Store(
        name="posting_segment",
        count="""
SELECT coalesce(sum(length(passages) / 4), 0)::bigint
  FROM merged_revision JOIN revision ON revision.tenant_id = merged_revision.tenant_id
                                    AND revision.id = merged_revision.revision_id
 WHERE merged_revision.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
    # What was merged of earlier versions and earlier readers.
    Store(
        name="posting_gone",
        count="""
SELECT count(*) FROM posting_gone WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="golden_probe",
        count="""
SELECT count(*) FROM golden_probe WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    # Sums over documents: its rows stay, and these passages are taken out of them.
    Store(
        name="passage_count",
        count="""
SELECT count(*) FROM passage WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="verdict",
        count="""
SELECT count(*) FROM verdict WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="removal",
        count="""
SELECT count(*) FROM removal WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="review",
        count="""
SELECT count(*) FROM review WHERE tenant_id = %(tenant_id)s AND document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="signature",
        count="""
SELECT count(*)
  FROM signature JOIN revision ON revision.tenant_id = signature.tenant_id
                           AND revision.id = signature.revision_id
 WHERE signature.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="signature_band",
        count="""
SELECT count(*)
  FROM signature_band JOIN revision ON revision.tenant_id = signature_band.tenant_id
                           AND revision.id = signature_band.revision_id
 WHERE signature_band.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
    Store(
        name="edge_line",
        count="""
SELECT count(*)
  FROM edge_line JOIN revision ON revision.tenant_id = edge_line.tenant_id
                           AND revision.id = edge_line.revision_id
 WHERE edge_line.tenant_id = %(tenant_id)s AND revision.document_id = ANY (%(ids)s)
""",
    ),
)
