// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/local_choices.h"

#include "ui/support/format.h"
#include "ui/support/url_password.h"

#include <algorithm>
#include <array>

namespace portolan::ui {

namespace {

constexpr qsizetype longest = 4096;

struct Choice
{
    const char *setting;
    std::string LocalStackSettings::*value;
    QString key() const { return QString("local/") + setting; }
};

constexpr std::array choices{Choice{"tier", &LocalStackSettings::tier}, Choice{"listen", &LocalStackSettings::listen},
                             Choice{"redis.url", &LocalStackSettings::redisUrl},
                             Choice{"database.url", &LocalStackSettings::databaseUrl},
                             Choice{"data_dir", &LocalStackSettings::dataDirectory}};

bool mayBeKept(const QString &value)
{
    return value.size() <= longest && !hasPassword(value) &&
           std::ranges::none_of(value, [](QChar c) { return c.category() == QChar::Other_Control; });
}

} // namespace

void rememberChoices(QSettings &settings, const LocalStackSettings &before, const LocalStackSettings &chosen)
{
    for (const Choice &choice : choices) {
        const std::string &value = chosen.*choice.value;
        if (!mayBeKept(text(value)))
            settings.remove(choice.key());
        else if (value != before.*choice.value)
            settings.setValue(choice.key(), text(value));
    }
}

std::vector<std::pair<std::string, std::string>> rememberedChoices(const QSettings &settings)
{
    std::vector<std::pair<std::string, std::string>> remembered;
    for (const Choice &choice : choices) {
        const QVariant value = settings.value(choice.key());
        if (value.userType() == QMetaType::QString && mayBeKept(value.toString()))
            remembered.emplace_back(choice.setting, value.toString().toStdString());
    }
    return remembered;
}

} // namespace portolan::ui
