"""Messages on Kafka: protobuf from and to core types, headers, topic names."""
