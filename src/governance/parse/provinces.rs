//! The entry `provinces`.

use super::{Result, checked_key, replace};
use crate::domain::department::Localized;
use crate::governance::raw::RawProvince;
use crate::governance::settings::Province;
use serde_saphyr::Spanned;

pub(super) fn merge(
    provinces: &mut Vec<Province>,
    raw: Vec<(Spanned<String>, RawProvince)>,
) -> Result<()> {
    for (key, raw) in raw {
        checked_key(&key, "a province")?;
        let position = provinces.iter().position(|known| known.key == key.value);
        let mut province = match position {
            Some(position) => provinces.remove(position),
            None => Province {
                title: Localized::same(&key.value),
                duty: Localized::same(""),
                key: key.value,
            },
        };
        replace(&mut province.title, raw.title);
        replace(&mut province.duty, raw.duty);
        provinces.insert(position.unwrap_or(provinces.len()), province);
    }
    Ok(())
}
