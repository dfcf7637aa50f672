// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/log_model.h"
#include "ui/pages/page.h"

#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSortFilterProxyModel>
#include <memory>
#include <optional>

namespace portolan::ui {

class Card;
class ProblemLabel;
class TableView;
class UrlLine;
class ZoneBadge;

/// The portal of this machine: what it is made of, start and stop, its log.
class LocalPage final : public Page
{
    Q_OBJECT

public:
    explicit LocalPage(const PageContext &context, QWidget *parent = nullptr);
    /// Takes over what is of the stack, from a page of the same that is shown no more: its log, which the stack does
    /// not keep, and what was typed for its next start.
    void continueFrom(const LocalPage &before);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_filter; }
    QString searched() const override { return tr("log"); }

private:
    void addCommands();
    void addForm(QHBoxLayout &row);
    void fillForm(const LocalStack &stack);
    void addReason(Card &card);
    void addLog();
    template <class Line = QLineEdit>
    Line *addLine(QFormLayout &form, const QString &label, const QString &placeholder);
    LocalStackSettings settings() const;
    void begin(const LocalStackSettings &chosen, const StackCommand &command);
    QString url() const; ///< of its pages; empty: not running
    void openInBrowser(const QString &url);
    void showNote();
    void showWhole(); ///< of the chosen log lines
    void showLook();
    void showState();
    void take(const std::vector<LogLine> &lines);

    /// Of the first start that has not worked yet; whoever waits for one has it too.
    std::shared_ptr<std::optional<LocalStackSettings>> m_before = std::make_shared<std::optional<LocalStackSettings>>();
    LogModel m_log;
    QSortFilterProxyModel *m_levels;
    ZoneBadge *m_state = nullptr;
    ProblemLabel *m_problem = nullptr;
    QWidget *m_mending = nullptr;
    QList<QAction *> m_seeding;
    QAction *m_mend = nullptr;
    QAction *m_mendEmpty = nullptr;
    QComboBox *m_tier = nullptr;
    QLineEdit *m_listen = nullptr;
    UrlLine *m_redis = nullptr;
    UrlLine *m_database = nullptr;
    QLineEdit *m_directory = nullptr;
    QLabel *m_tierTitle = nullptr;
    QLabel *m_note = nullptr;
    QComboBox *m_level = nullptr;
    QLineEdit *m_filter = nullptr;
    TableView *m_logView = nullptr;
    QPlainTextEdit *m_whole = nullptr;
};

} // namespace portolan::ui
