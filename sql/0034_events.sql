-- Who acts on alerts adds what he did to their history, and nothing that the collector says of them: that one was told, or is over.
ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON alert_event FOR SELECT USING (true);
CREATE POLICY collecting ON alert_event FOR INSERT TO certmuster_ingest WITH CHECK (true);
CREATE POLICY acting ON alert_event FOR INSERT TO certmuster_operate WITH CHECK (event IN ('acknowledged', 'unacknowledged') AND actor <> 'collector');
