-- The tables as the requirement's documents print them, word for word.

CREATE TABLE blasts (
  id SERIAL PRIMARY KEY,
  blast_tag VARCHAR(255),              -- Optional tag/identifier for the blast
  blast_date TIMESTAMP DEFAULT NOW(),  -- When blast was sent
  blast_time TIME,                     -- Specific time if needed
  follow_up_stage VARCHAR(100),        -- Follow-up stage (e.g., "Initial", "Follow-up 1", etc.)
  total_recipients INTEGER DEFAULT 0,  -- Total recipients in this blast
  created_at TIMESTAMP DEFAULT NOW(),
  updated_at TIMESTAMP DEFAULT NOW()
);

CREATE TABLE blast_recipients (
  id SERIAL PRIMARY KEY,
  blast_id INTEGER REFERENCES blasts(id) ON DELETE CASCADE,
  phone_number VARCHAR(20) NOT NULL,     -- Recipient phone number (e.g., "+601234567890")
  message_id VARCHAR(255) NOT NULL,      -- Unique messageId from WSAPME API
  message_text TEXT,                     -- Message content sent
  
  -- Status tracking
  status VARCHAR(50) DEFAULT 'PENDING',  -- PENDING, SERVER_ACK, DELIVERY_ACK, READ_ACK, REPLIED, CLOSED
  message_timestamp BIGINT,              -- Original message timestamp from WSAPME
  message_c2s_timestamp BIGINT,          -- Delivery timestamp (when received)
  read_timestamp TIMESTAMP,              -- When message was read
  replied_at TIMESTAMP,                  -- When recipient replied
  closed_at TIMESTAMP,                   -- When sale was closed
  
  -- WSAPME message structure (for status checks)
  wsapme_message_data JSONB,             -- Full message structure from send response
  
  -- Metadata
  created_at TIMESTAMP DEFAULT NOW(),
  updated_at TIMESTAMP DEFAULT NOW(),
  
  UNIQUE(blast_id, phone_number, message_id),  -- One message per recipient per blast
  INDEX idx_message_id (message_id),           -- Fast lookup by messageId
  INDEX idx_blast_id (blast_id),               -- Fast lookup by blast
  INDEX idx_status (status),                   -- Filter by status
  INDEX idx_phone (phone_number)               -- Filter by phone
);

CREATE TABLE status_history (
  id SERIAL PRIMARY KEY,
  recipient_id INTEGER REFERENCES blast_recipients(id) ON DELETE CASCADE,
  old_status VARCHAR(50),
  new_status VARCHAR(50) NOT NULL,
  changed_at TIMESTAMP DEFAULT NOW(),
  source VARCHAR(50),                    -- 'webhook', 'polling', 'manual'
  metadata JSONB                         -- Additional data from status update
);
