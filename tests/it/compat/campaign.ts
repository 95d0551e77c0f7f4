WhatsAppCampaign {
  id: string;
  name: string;
  description?: string;
  templateName: string;
  templateLanguage: string;
  templateVariables: Json;
  
  status: 'draft' | 'scheduled' | 'sending' | 'completed' | 'cancelled' | 'failed';
  
  totalRecipients: number;
  sentCount: number;
  deliveredCount: number;
  readCount: number;
  failedCount: number;
  respondedCount: number;
  
  scheduledFor?: DateTime;
  startedAt?: DateTime;
  completedAt?: DateTime;
  
  // sendWindowStart/sendWindowEnd removed from API
  rateLimit: number;         // Messages per minute
  
  createdAt: DateTime;
  updatedAt: DateTime;
}

WhatsAppCampaignRecipient {
  id: string;
  campaignId: string;
  phoneNumber: string;
  customerId?: string;
  name?: string;
  variables: Json;
  
  status: 'pending' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'opted_out' | 'responded' | 'retry';
  
  messageId?: string;    // Meta message ID
  messageSid?: string;   // Our database message ID
  
  sentAt?: DateTime;
  deliveredAt?: DateTime;
  readAt?: DateTime;
  failedAt?: DateTime;
  respondedAt?: DateTime;
  
  errorCode?: string;
  errorMessage?: string;
  retryCount: number;
  lastRetryAt?: DateTime;
  
  createdAt: DateTime;
  updatedAt: DateTime;
}
