"""The tables of clusters: those of the model in force, and who is in which."""

from __future__ import annotations

from sqlalchemy import Column, Date, DateTime, Float, Index, Integer, String, Text

from storage import Base


class ClusterRow(Base):
    """One cluster of the model in force; `number` stays its own when a model is made anew."""

    __tablename__ = "clusters"

    number = Column(Integer, primary_key=True, autoincrement=False)
    name = Column(String(100), nullable=False)
    version = Column(String(32), nullable=False)
    size = Column(Integer, nullable=False, default=0)
    # What sets it apart, as JSON: [{label, word, difference}].
    signs = Column(Text, nullable=False)
    since = Column(DateTime, nullable=False)


class ClusterMemberRow(Base):
    """Whose cluster it is, and where they are about to go.

    candidate: a cluster that was clearly nearer at the run of `candidate_on`.
    """

    __tablename__ = "cluster_members"
    __table_args__ = (Index("ix_cluster_members_number", "number"),)

    person_id = Column(Integer, primary_key=True, autoincrement=False)
    number = Column(Integer, nullable=False)
    since = Column(DateTime, nullable=False)
    version = Column(String(32), nullable=False)
    distance = Column(Float, nullable=False)
    candidate = Column(Integer)
    candidate_on = Column(Date)
