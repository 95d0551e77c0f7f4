//! A fake WhatsApp for demo, rehearsal and tests. Shares no wire types with the provider clients.
