-- A version that was generated names the files it was written from; null when somebody wrote it, or it came from a repository (spec DOC-3).

alter table document_version add column generated_from text[];
