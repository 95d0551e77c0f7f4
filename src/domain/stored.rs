//! How enums get into the database and out of it.

/// Has an enum with `ALL` and `word` stored by its word, as text. Where a column has an enum type of the database's own, the statement
/// casts: `status::text` to read, `$1::text::recipient_status` to write. Were such a type named to sqlx, or returned to it, each new
/// session would first be asked what it is: two more trips to the server.
macro_rules! stored_by_word {
    ($type:ty) => {
        impl sqlx::Type<sqlx::Postgres> for $type {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <str as sqlx::Type<sqlx::Postgres>>::type_info()
            }

            /// Reads a column that was not cast, too.
            fn compatible(of: &sqlx::postgres::PgTypeInfo) -> bool {
                <str as sqlx::Type<sqlx::Postgres>>::compatible(of)
                    || matches!(of.kind(), sqlx::postgres::PgTypeKind::Enum(_))
            }
        }

        impl sqlx::Encode<'_, sqlx::Postgres> for $type {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<'_, sqlx::Postgres>>::encode_by_ref(&self.word(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $type {
            fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let word = <&str as sqlx::Decode<'r, sqlx::Postgres>>::decode(value)?;
                let known = Self::ALL.into_iter().find(|known| known.word() == word);
                known.ok_or_else(|| format!("`{word}` is not known to this version").into())
            }
        }
    };
}
pub(crate) use stored_by_word;
