-- Planned events beside recurring duties, and where either stands in a calendar (spec CAD-1). A duty comes again, an event is once.

alter table duty alter column interval_days drop not null;
alter table duty add column planned_at timestamptz;
alter table duty add column link text;
alter table duty add constraint duty_comes_again_or_once check ((interval_days is null) <> (planned_at is null));
