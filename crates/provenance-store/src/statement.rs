//! SQL that diesel's query builder cannot say, as types: the text is fixed, so that it is prepared once per
//! connection, and each parameter has a name and a type.

/// Declares a statement. Its text names the fields `$1`, `$2`, ... in the order of their declaration, each once.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $visibility:vis struct $name:ident {
            $($field:ident: $rust_type:ty as $sql_type:ty),+ $(,)?
        }
        $sql:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        $visibility struct $name {
            $($visibility $field: $rust_type),+
        }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = diesel::sql_types::Untyped;
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let mut pieces = $crate::statement::pieces($sql);
                out.push_sql(pieces.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql_type, _>(&self.$field)?;
                    out.push_sql(pieces.next().unwrap_or_default());
                )+
                Ok(())
            }
        }
    };
}

pub(crate) use statement;

/// The text around the parameters; diesel numbers them itself.
pub(crate) fn pieces(sql: &'static str) -> impl Iterator<Item = &'static str> {
    sql.split('$').map(|piece| piece.trim_start_matches(|character: char| character.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::{BigInt, Text};

    statement!(
        struct Sample { first: i64 as BigInt, second: String as Text }
        "SELECT $1 + 1, $2 || '0'"
    );

    #[test]
    fn parameters_stand_where_the_text_names_them() {
        let sample = Sample { first: 7, second: "x".to_owned() };
        let sql = diesel::debug_query::<diesel::pg::Pg, _>(&sample).to_string();
        assert_eq!(sql, r#"SELECT $1 + 1, $2 || '0' -- binds: [7, "x"]"#);
    }
}
