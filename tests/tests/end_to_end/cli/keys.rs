//! API keys from the command: made, used, listed and revoked.

use super::dats::Dats;
use crate::access::{gateway_with_keys, keys_command};

#[tokio::test]
async fn keys_are_made_used_listed_and_revoked() {
    let stack = gateway_with_keys().start().await;
    let stranger = Dats::of(&stack).run(&["list"]).await;
    assert!(stranger.exit == 1 && stranger.err.contains("DATS_API_KEY"), "{stranger:?}");

    let first = keys_command(&stack, &["create", "--name", "first", "--scopes", "admin"]).await;
    let admin = Dats::of(&stack).with_key(&first);
    let made = admin.run(&["keys", "create", "reader", "--scope", "read", "--project", "shop"]).await;
    assert!(made.exit == 0 && made.err.contains("cannot be shown again"), "{made:?}");
    let listed = admin.tells(&["keys", "list"]).await;
    assert!(
        listed.contains("reader") && listed.contains("shop") && !listed.contains(made.out.trim()),
        "{listed}"
    );

    let reader = Dats::of(&stack).with_key(made.out.trim());
    assert!(reader.tells(&["list"]).await.starts_with("no tasks"));
    let refused = reader.run(&["submit", "x", "-p", "shop"]).await;
    assert!(refused.exit == 1 && refused.err.contains("dats keys create"), "{refused:?}");

    let keys = admin.run(&["keys", "list", "--json"]).await.json();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["name"] == "reader").unwrap();
    admin.tells(&["keys", "revoke", key["key_id"].as_str().unwrap()]).await;
    let after = reader.run(&["list"]).await;
    assert!(after.exit == 1 && after.err.contains("dats config set"), "{after:?}");
    assert!(admin.tells(&["keys", "list"]).await.contains("revoked"));
}
