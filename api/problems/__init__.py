"""Problems: imported from packages, versioned, shown without what must stay hidden."""
