-- Nothing new. What is 0028 now was 0029 for a while: an inventory that got it then goes on with 0030, and one that has it as 0028 comes to the same here.
COMMENT ON FUNCTION crawl_not_told(uuid) IS 'of 0028_covered';
