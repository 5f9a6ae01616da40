-- Why a chain is not trusted is told better than it was, and a leaf's key that nothing here can read is told of: these chains are judged once more.
INSERT INTO docket (chain_id)
SELECT DISTINCT v.chain_id
  FROM chain_verdict v
  JOIN chain ch ON ch.chain_id = v.chain_id
  LEFT JOIN certificate c ON c.sha256 = ch.leaf_sha256
 WHERE v.verdict <> 'ok' OR c.key_alg IS NULL OR c.key_alg NOT IN ('RSA', 'EC')
ON CONFLICT DO NOTHING;
COMMENT ON COLUMN chain_verdict.missing_issuer IS 'whose certificate is neither served nor known nor in the store; RFC 4514';
